import type { Observable } from 'rxjs';
import type { SandboxFolders } from '../sandbox/sandbox.js';
import type { ThreadFiles } from '../sandbox/files/thread-files.js';
import type { HarnessEvent, JsonObject } from '../domain/harness-event.js';
import type { Prompt } from '../domain/prompt.js';

/** The name of a harness, as its definition has it. One that is stored may be of a harness that this server does not have. */
export type HarnessName = string;

/** A thread as its harness needs to know it. Fixed by the thread's first request. */
export interface HarnessThread {
  readonly id: string;
  readonly folders: SandboxFolders;
  /** The only way to what is in the folders: an agent may have put anything there. */
  readonly files: ThreadFiles;
  /** The model to ask for, or `undefined` for the harness's own default. */
  readonly model: string | undefined;
  /** The caller's system prompt, to be appended after the workspace's `AGENTS.md`; `undefined` for none. */
  readonly systemPrompt: string | undefined;
  /** The harness's own name of the conversation from an earlier `session-started`, to resume it; `undefined` for a new one. */
  readonly sessionId: string | undefined;
  /** `none`: the agent answers from what it is told, and can neither run nor read anything. */
  readonly tools: 'all' | 'none';
  /** The environment that every process of this thread gets: what the deployment passes through, the homes of the harnesses, the model and such. */
  readonly env: Readonly<Record<string, string>>;
}

/** One turn as its harness needs to know it. */
export interface HarnessTurn {
  /** A UUID, the same for every attempt of the turn. */
  readonly id: string;
  readonly prompt: Prompt;
  /** What was said before that the harness has not heard: the conversation began elsewhere. To be told before the prompt. */
  readonly history?: Prompt;
  /**
   * What the store has of the turns before this one, for an agent whose own record of them turns out to be gone; `undefined` when
   * there is nothing. To be asked for only when `history` is absent and the agent begins a new conversation.
   */
  readonly recall?: () => Promise<Prompt | undefined>;
  /** 1 for the first attempt. From 2 on, the harness resumes what an earlier, dead attempt of the same turn left. */
  readonly attempt: number;
  /**
   * JSON Schema of the answer. The last text block that the harness tells of is then the JSON; texts before it are remarks.
   * Whether it follows the schema is checked by who reads it.
   */
  readonly outputSchema?: JsonObject;
  /** How many turns the thread had before this one. */
  readonly turnIndex: number;
  /**
   * What earlier attempts told, as far as it was logged. The harness's own record of the turn may have more, which the resumed
   * harness tells again (what was logged already is passed over then), or less: that it must not do again.
   */
  readonly priorEvents?: readonly HarnessEvent[];
}

/** One live conversation of a thread: a warm process, or what stands for it. */
export interface HarnessSession {
  /**
   * Runs a turn. Cold; one at a time. Emits in batches, in the order of the harness's lines; the last event is `turn-end` or
   * `turn-failed`, then it completes. It never errors, and never completes without an end event: a process that dies becomes
   * a `turn-failed`. Unsubscribing abandons the turn: the session is closed, as nobody would read the rest.
   */
  run(turn: HarnessTurn): Observable<readonly HarnessEvent[]>;
  /** Asks the running turn to end; the turn then ends with the reason `interrupted`. Does nothing without a running turn. */
  interrupt(): void;
  /** Ends the process. Resolves when it and everything it started are gone. Safe to call again. */
  close(): Promise<void>;
  /** False once the process is gone, closed or not to be trusted with another turn. */
  readonly alive: boolean;
}

/** What was found of a harness on this machine. */
export interface HarnessInfo {
  readonly name: HarnessName;
  readonly version: string;
}

/** A model that a harness can be asked for by name. Its sizes are in tokens. */
export interface HarnessModel {
  readonly id: string;
  readonly displayName: string;
  /** What the model takes in, at most, where the harness tells. */
  readonly contextTokens?: number | undefined;
  /** What one call of the model gives out, at most, where the harness tells. */
  readonly maxOutputTokens?: number | undefined;
  /** The day on which the model came out, as `2026-09-22`, where that is known. */
  readonly releasedOn?: string | undefined;
  /** The provider's name of the series that the model belongs to, such as `opus`, where it has one. */
  readonly line?: string | undefined;
}

/**
 * An agent program. What is optional here is what not every agent has: a harness without it leaves it out, and the server goes on as
 * the method says.
 */
export interface Harness {
  /** Looks for the program and tells its version; `undefined` when it is not there. Never rejects. Called once, before all others. */
  probe(): Promise<string | undefined>;
  /** Whether a model name is of this harness's kind; one that is not becomes the harness's own default model. */
  knowsModel(model: string): boolean;
  /** The current models that are worth offering by name, newest first. A harness without this has no model at all. */
  models?(): readonly HarnessModel[];
  /**
   * Whether the agent's own record of this conversation is there. Cheap: it looks for the file and does not read it. A harness
   * without this keeps no record.
   */
  hasRecord?(files: ThreadFiles, sessionId: string): Promise<boolean>;
  /** Starts, or resumes, a thread's conversation. Cheap: a process that does not start shows in the first `run`. */
  open(thread: HarnessThread): HarnessSession;
}
