// A little over 250 lines: one process, from its start through its turns to its end, whose state every method shares.
import { randomUUID } from 'node:crypto';
import type { Logger } from '@nestjs/common';
import { Observable } from 'rxjs';
import type { Subscriber } from 'rxjs';
import type { Sandbox, SandboxExit, SandboxProcess } from '../../sandbox/sandbox.js';
import type { HarnessSession, HarnessThread, HarnessTurn } from '../harness.js';
import type { FailureKind, HarnessEvent } from '../../domain/harness-event.js';
import { isTurnEnd } from '../../domain/harness-event.js';
import { endsRefused } from '../../domain/provider-refusal.js';
import { toStartFailure, describeStartFailure } from '../start-failure.js';
import { buildCommandLine, buildClaudeEnvironment, toInterruptLine, toPromptLine } from './process/command-line.js';
import { decodeLine } from './decode/decode.js';
import { type StartFiles, writeStartFiles } from './process/start-files.js';
import { findConfigFolder, planStart, withMissingContext, writeInstructions } from './process/start-plan.js';
import type { StartPlan } from './process/start-plan.js';
import { toToolSchema, MAX_SCHEMA_BYTES } from './decode/structured-output.js';
import type { ToolSchema } from './decode/structured-output.js';
import { startTurn, initialDecoderState } from './decode/turn-state.js';

const STOP_GRACE_MS = 3_000;
/** Claude Code 2.1.330 exits with this on its standard error, before any output, for a schema that it cannot use. */
const REFUSED_SCHEMA = /^Error: --json-schema /m;

type Batch = readonly HarnessEvent[];

interface RunningTurn {
  readonly turn: HarnessTurn;
  readonly subscriber: Subscriber<Batch>;
}

/** Dependencies of a session, besides its thread. */
export interface ClaudeCodeSessionTools {
  readonly sandbox: Sandbox;
  readonly command: string;
  readonly isRoot: boolean;
  /** Whether this version supports `client_composed`; see `promptLine`. */
  readonly supportsClientComposed: boolean;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
}

/**
 * One thread's conversation with Claude Code: one process for all turns, started by the first. A turn that an earlier process started
 * resumes where its transcript ends.
 *
 * Claude Code 2.1.330 takes an output schema only at start, for all turns of the process (`initialize` accepts one only before the
 * first prompt). So a turn with another schema gets a new process, which ends the background work of the old one. A turn after a
 * refused one also gets a new process, as Claude Code would resend the refused prompt.
 */
export class ClaudeCodeSession implements HarnessSession {
  private process: SandboxProcess | undefined;
  /** Claude Code's id of the conversation, to resume it. */
  private sessionId: string | undefined;
  /** The newest turn, if the model provider refused it: the process would resend it with the next prompt. */
  private refusedTurn: string | undefined;
  /** The output schema of the process. */
  private schema: string | undefined;
  /** Processes that another one has replaced; their remaining output is ignored. */
  private readonly replaced = new WeakSet<SandboxProcess>();
  private replacing: Promise<void> | undefined;
  private running: RunningTurn | undefined;
  private state = initialDecoderState();
  private interruptRequested = false;
  private reusable = true;
  private closing: Promise<void> | undefined;

  constructor(
    private readonly thread: HarnessThread,
    private readonly tools: ClaudeCodeSessionTools,
  ) {
    this.sessionId = thread.sessionId;
  }

  get alive(): boolean {
    return this.reusable;
  }

  run(turn: HarnessTurn): Observable<Batch> {
    return new Observable<Batch>((subscriber) => {
      if (!this.reusable || this.running !== undefined) {
        subscriber.next([
          { type: 'turn-failed', kind: 'process_died', message: 'The agent’s process has exited or is busy.' },
        ]);
        subscriber.complete();
        return;
      }
      const running: RunningTurn = { turn, subscriber };
      this.running = running;
      this.startTurn(running).catch((error: unknown) => {
        this.tools.logger.error(`failed to start Claude Code: ${errorName(error)}`);
        this.failTurn(running, 'The agent could not be started.', 'internal');
      });
      return () => {
        if (this.running !== running) return;
        this.running = undefined;
        void this.close();
      };
    });
  }

  interrupt(): void {
    const { process, running } = this;
    if (running === undefined) return;
    if (process === undefined || this.state.tasks.answered) {
      // Claude Code cannot be interrupted now: it is starting, or only its sub-agents work in the background.
      this.emit([{ type: 'turn-end', reason: 'interrupted' }]);
      void this.close();
      return;
    }
    this.interruptRequested = true;
    this.forwardInterrupt();
  }

  close(): Promise<void> {
    this.reusable = false;
    this.closing ??= this.stop();
    return this.closing;
  }

  /** Claude Code 2.1.330 loses an interrupt that arrives before it works on the prompt. */
  private forwardInterrupt(): void {
    if (!this.interruptRequested || !this.state.turn.started) return;
    this.interruptRequested = false;
    this.process?.writeLine(toInterruptLine(randomUUID()));
  }

  private async stop(): Promise<void> {
    await this.replacing;
    await this.process?.stop(STOP_GRACE_MS);
    const { running } = this;
    if (running !== undefined) this.failTurn(running, 'The agent was stopped during the turn.', 'process_died');
  }

  private async startTurn(running: RunningTurn): Promise<void> {
    const { turn } = running;
    const toolSchema = turn.outputSchema === undefined ? undefined : toToolSchema(turn.outputSchema);
    if (toolSchema !== undefined && Buffer.byteLength(toolSchema.schema) > MAX_SCHEMA_BYTES) {
      this.emit([
        { type: 'turn-failed', kind: 'bad_request', message: 'The output schema is too long for the agent.' },
      ]);
      return;
    }
    const isOutdated = this.refusedTurn !== undefined || toolSchema?.schema !== this.schema;
    if (this.process !== undefined && isOutdated) await this.replace(this.process);
    if (this.running !== running) return;
    this.state = startTurn(this.state, toolSchema?.shape);
    this.interruptRequested = false;
    const { sessionId, refusedTurn } = this;
    let completeTurn = turn;
    if (this.process === undefined) {
      const plan = await planStart(this.thread, { sessionId, refusedTurn }, turn, toolSchema?.shape);
      if (this.running !== running) return;
      this.refusedTurn = undefined;
      if (plan.isLost) this.tools.logger.warn(`lost the conversation of thread ${this.thread.id}; starting a new one`);
      if (plan.turn.kind === 'ended') {
        this.emit([{ type: 'session-started', sessionId: plan.conversation.sessionId }, ...plan.turn.events]);
        return;
      }
      completeTurn = await withMissingContext(plan, turn);
      const instructions = await writeInstructions(this.thread, this.tools.logger);
      const files = await writeStartFiles(this.thread, this.tools.sandbox);
      if (this.running !== running) return;
      this.process = this.spawn(plan, files, instructions, toolSchema);
      if (plan.turn.kind === 'continue') {
        if (plan.turn.events.length > 0) this.emit(plan.turn.events);
        return;
      }
    }
    this.process.writeLine(toPromptLine(completeTurn, this.tools.supportsClientComposed));
  }

  /** Stops the process, so that the turn starts a new one that resumes the conversation. */
  private async replace(process: SandboxProcess): Promise<void> {
    this.replaced.add(process);
    this.process = undefined;
    this.sessionId = this.state.sessionId ?? this.sessionId;
    this.state = initialDecoderState();
    this.replacing = process.stop(STOP_GRACE_MS);
    await this.replacing;
  }

  private spawn(
    plan: StartPlan,
    files: StartFiles,
    instructions: string | undefined,
    toolSchema: ToolSchema | undefined,
  ): SandboxProcess {
    const { thread, tools } = this;
    this.schema = toolSchema?.schema;
    const process = tools.sandbox.spawn({
      threadId: thread.id,
      folders: thread.folders,
      command: tools.command,
      args: buildCommandLine(thread, plan.conversation, files, instructions, toolSchema?.schema),
      env: buildClaudeEnvironment(thread, findConfigFolder(thread), tools.isRoot, plan.turn.kind === 'continue'),
    });
    const isReplaced = (): boolean => this.replaced.has(process);
    const linesEnd = new Promise<void>((resolve) => {
      process.lines$.subscribe({ next: (lines) => isReplaced() || this.read(lines), complete: resolve });
    });
    void Promise.all([process.exit, linesEnd]).then(([exit]) => isReplaced() || this.processEnded(exit));
    return process;
  }

  private read(lines: readonly string[]): void {
    const events: HarnessEvent[] = [];
    for (const line of lines) {
      const [state, decoded, notes] = decodeLine(this.state, line);
      this.state = state;
      for (const event of decoded) events.push(event);
      for (const note of notes)
        this.tools.logger.warn(`ignored a line of ${note.length} characters from Claude Code: not JSON`);
    }
    if (events.length > 0) this.emit(events);
    this.forwardInterrupt();
  }

  private processEnded(exit: SandboxExit): void {
    this.reusable = false;
    const { running } = this;
    if (running === undefined) return;
    if (exit.notStarted !== undefined) {
      this.tools.logger.error(`failed to start Claude Code: ${describeStartFailure(exit.notStarted)}`);
      const { message, kind } = toStartFailure(exit.notStarted);
      this.failTurn(running, message, kind);
      return;
    }
    const how = exit.code === null ? `signal ${exit.signal ?? 'unknown'}` : `code ${exit.code}`;
    this.tools.logger.error(`Claude Code exited during a turn with ${how}`);
    if (REFUSED_SCHEMA.test(exit.stderr))
      this.failTurn(running, 'The output schema is not a valid JSON Schema.', 'bad_request');
    else this.failTurn(running, `The agent's process exited during the turn (${how}).`, 'process_died');
  }

  private failTurn(running: RunningTurn, message: string, kind: FailureKind): void {
    this.reusable = false;
    if (this.running === running) this.emit([{ type: 'turn-failed', kind, message }]);
  }

  private emit(events: Batch): void {
    const { running } = this;
    if (running === undefined) return;
    const last = events.at(-1);
    const ends = last !== undefined && isTurnEnd(last);
    // Before the last event is emitted: its subscriber may run the next turn synchronously.
    if (ends) this.running = undefined;
    if (endsRefused(events)) this.refusedTurn = running.turn.id;
    running.subscriber.next(events);
    if (ends) running.subscriber.complete();
  }
}

/** An error's code or name for the log; its message may contain a path. */
function errorName(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
