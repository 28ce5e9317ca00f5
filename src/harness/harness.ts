import type { Observable } from 'rxjs';
import type { BrokeredEnvironment } from '../broker/broker.service.js';
import type { SandboxFolders } from '../sandbox/sandbox.js';
import type { ThreadFiles } from '../sandbox/files/thread-files.js';
import type { CallerToolResult, CallerTools } from '../domain/caller-tool.js';
import type { HarnessEvent, JsonObject } from '../domain/harness-event.js';
import type { McpServer } from '../domain/mcp-server.js';
import type { Prompt } from '../domain/prompt.js';
import type { SeedMessage } from '../domain/seed/seed-message.js';

/** The name in a harness definition. A stored name may belong to a harness that this server does not have. */
export type HarnessName = string;

/**
 * The fields of a thread that its harness needs. Fixed by the thread's first request. Not to be spread, which leaves out what an object
 * looks up only when it is asked.
 */
export interface HarnessThread {
  readonly id: string;
  readonly folders: SandboxFolders;
  /** The only safe access to the contents of the folders: an agent may have put anything there. */
  readonly files: ThreadFiles;
  /** The model to request, or `undefined` for the harness's own default. */
  readonly model: string | undefined;
  /** The caller's system prompt, to be appended after the workspace's `AGENTS.md`; `undefined` for none. */
  readonly systemPrompt: string | undefined;
  /** The harness's id of the conversation from an earlier `session-started`, to resume it; `undefined` for a new conversation. */
  readonly sessionId: string | undefined;
  /** The name of the template of its workspace; absent for the deployment's own. */
  readonly workspaceTemplate?: string | undefined;
  /** `none`: the agent answers from its prompt alone, and can neither run nor read anything. */
  readonly tools: 'all' | 'none';
  /** Where the agent reaches its model, whatever the deployment's own settings of the agent say; absent to leave it to those. */
  readonly modelUrl?: string | undefined;
  /** Lets the programs of this thread reach an MCP server of this process. Rejects if it cannot listen. Absent outside of a server. */
  readonly serveMcp?: BrokeredEnvironment['serveMcp'];
  /** Set while nobody knows whose thread it will be: key, model and system prompt come with `HarnessSession.adopt`. */
  readonly isSpare?: boolean;
  /** The environment of every process of this thread: the variables that the deployment passes through, the harness homes, the model. */
  readonly env: Readonly<Record<string, string>>;
}

/** A message of the user for a turn that is running. */
export interface FurtherMessage {
  /** Unique within the thread, and the same for every attempt of the turn. */
  readonly id: string;
  /** Not empty. */
  readonly prompt: Prompt;
}

/** The fields of a turn that its harness needs. */
export interface HarnessTurn {
  /** A UUID, the same for every attempt of the turn. */
  readonly id: string;
  /** The user's message; empty only if the turn has `toolResults`. */
  readonly prompt: Prompt;
  /**
   * Results for all calls that the previous turn ended with (reason `tool_use`): the agent continues from them. A session that still waits
   * for them hands them over; any other resumes the agent's own record with them. After a failed attempt of the same results, the
   * record may already have some or all of them. The agent also hears the prompt, if it is not empty, after the results.
   */
  readonly toolResults?: readonly CallerToolResult[];
  /**
   * Loads the logged events of the turn that ended with the calls of `toolResults`, for an agent whose record lacks these calls. Empty if the
   * log does not have them any more.
   */
  readonly loadCallEvents?: () => Promise<readonly HarnessEvent[]>;
  /**
   * The caller's tools for this turn; absent for none. They may differ from those of the turn before. A call emits
   * `caller-tool-call`; when the agent waits for its calls, the turn ends with the reason `tool_use`, and the session keeps waiting for
   * a turn with `toolResults`. Only for a harness with `takesCallerTools`.
   */
  readonly callerTools?: CallerTools;
  /** Further MCP servers of the agent; absent for none. Only for a harness with `takesMcpServers`. */
  readonly mcpServers?: readonly McpServer[];
  /** Messages that earlier attempts got with `steer`, in order. A resumed harness hands over those that the agent's record lacks. */
  readonly furtherMessages?: readonly FurtherMessage[];
  /**
   * The id of an earlier turn: it and all later ones are removed from the agent's record before this turn. Absent to keep the
   * whole record.
   */
  readonly dropFrom?: string;
  /** Earlier messages that the agent's record lacks. They go to the end of the record, in the agent's own form, before the prompt. */
  readonly seed?: readonly SeedMessage[];
  /**
   * Loads a seed from the earlier turns in the store, for an agent that turns out to have lost its own record of them; empty if there are
   * none. Call it only if `seed` is absent and the agent starts a new conversation.
   */
  readonly recall?: () => Promise<readonly SeedMessage[]>;
  /** 1 for the first attempt. From 2 on, the harness resumes the turn where the dead attempt stopped. */
  readonly attempt: number;
  /**
   * JSON Schema of the answer. The harness emits the JSON as its last text block; earlier text blocks are remarks. The reader of the
   * events validates the JSON.
   */
  readonly outputSchema?: JsonObject;
  /** Number of earlier turns in the thread. */
  readonly turnIndex: number;
  /**
   * The logged events of earlier attempts. The harness's own record of the turn may have more: the resumed harness replays all of it,
   * and events that are already in the log are dropped. It may also have less: the harness must not repeat those actions.
   */
  readonly priorEvents?: readonly HarnessEvent[];
}

/** What the first turn of a thread needs besides its prompt. */
export interface FirstTurnNeeds {
  readonly hasOutputSchema: boolean;
  readonly hasCallerTools: boolean;
  readonly hasMcpServers: boolean;
  readonly hasSeed: boolean;
}

/** Those of a turn that has its prompt alone. */
export const NO_NEEDS: FirstTurnNeeds = {
  hasOutputSchema: false,
  hasCallerTools: false,
  hasMcpServers: false,
  hasSeed: false,
};

/** A process that has been started before a turn needs it. */
export interface EarlyStart {
  /** Resolves when the process is gone before a turn has used it. The session itself can still run turns. Never rejects. */
  readonly gone: Promise<void>;
}

/** One live conversation of a thread, usually a warm process. */
export interface HarnessSession {
  /**
   * Starts the process that the next turn needs, for the first turn of the session. A turn that it does not fit gets another one: nobody has to
   * know in advance. Resolves to `undefined` if no process can be started ahead here. Never rejects. A session without this
   * method starts its process with the first turn.
   */
  startEarly?(): Promise<EarlyStart | undefined>;
  /**
   * Says which thread a session is for that was opened for a spare one. Call it before the first turn. What its process was not started
   * with is given to it with that turn.
   */
  adopt?(thread: HarnessThread): void;
  /**
   * Runs a turn. Cold; one at a time. Emits in batches, in the order of the harness's lines; the last event is `turn-end` or
   * `turn-failed`, then it completes. It never errors, and never completes without an end event: a process that dies
   * emits `turn-failed`. Unsubscribing abandons the turn and closes the session, as nobody reads its remaining events.
   */
  run(turn: HarnessTurn): Observable<readonly HarnessEvent[]>;
  /** Interrupts the running turn, which then ends with the reason `interrupted`. No-op without a running turn. */
  interrupt(): void;
  /**
   * Hands a further message of the user to the running turn. Resolves to true when the agent hears it in this turn, which then emits
   * `user-message`; to false when the turn ends without it, and the agent's record does not have it. Never rejects. A session
   * without this method cannot be steered.
   */
  steer?(message: FurtherMessage): Promise<boolean>;
  /**
   * Stops the process; one with a running turn at once, as it would record an end of that turn and of its tools, which the next attempt
   * takes for true. Resolves when it and all its descendants have exited. Idempotent.
   */
  close(): Promise<void>;
  /** False once the process has exited, is closing, or must not get another turn. */
  readonly alive: boolean;
}

/** An available harness and the version that its probe found. */
export interface HarnessInfo {
  readonly name: HarnessName;
  readonly version: string;
}

/** A model that callers can request by name. */
export interface HarnessModel {
  readonly id: string;
  readonly displayName: string;
  /** Maximum input tokens, if the harness documents it. */
  readonly contextTokens?: number | undefined;
  /** Maximum output tokens of one model call, if the harness documents it. */
  readonly maxOutputTokens?: number | undefined;
  /** Release date, as `2026-09-22`, if known. */
  readonly releasedOn?: string | undefined;
  /** The provider's name for the model's series, such as `opus`, if it has one. */
  readonly line?: string | undefined;
}

/**
 * An agent program. Methods that not every agent can implement are optional; each says how the server treats a harness without it.
 */
export interface Harness {
  /** Whether its agents can call tools of the caller. */
  readonly takesCallerTools?: boolean;
  /** Whether its agents can be given MCP servers with a turn. */
  readonly takesMcpServers?: boolean;
  /** Whether its agents cannot go without their own tools. Threads with `tools: 'none'` go to another harness, or are refused. */
  readonly needsTools?: boolean;
  /** Whether its model takes PDF documents. To other agents they are files of the workspace. */
  readonly takesPdf?: boolean;
  /** Returns the version of the installed program; `undefined` if it is missing. Never rejects. Called once, before all other methods. */
  probe(): Promise<string | undefined>;
  /** Whether this harness can run a model of this name; for any other name, it runs its own default model. */
  knowsModel(model: string): boolean;
  /** The current models to offer by name, newest first. A harness without this method uses no model. */
  models?(): readonly HarnessModel[];
  /**
   * Whether the agent's own record of this conversation exists. Cheap: looks for the file and does not read it. A harness without
   * this method keeps no record.
   */
  hasRecord?(files: ThreadFiles, sessionId: string): Promise<boolean>;
  /**
   * Whether a process that was started before its thread was known can run such a first turn. A harness without this method has no spare
   * processes.
   */
  runsOnSpare?(needs: FirstTurnNeeds): boolean;
  /** Creates a session that starts or resumes the thread's conversation. Cheap: the first `run` starts the process. */
  open(thread: HarnessThread): HarnessSession;
}
