import { randomUUID } from 'node:crypto';
import type { Logger } from '@nestjs/common';
import { Observable } from 'rxjs';
import type { Subscriber } from 'rxjs';
import type { Sandbox, SandboxExit, SandboxProcess } from '../../sandbox/sandbox.js';
import type { HarnessSession, HarnessThread, HarnessTurn } from '../harness.js';
import type { FailureKind, HarnessEvent } from '../../domain/harness-event.js';
import { isTurnEnd } from '../../domain/harness-event.js';
import { endsRefused } from '../../domain/refusal.js';
import { toStartFailure, describeStartFailure } from '../start-failure.js';
import { commandLine, environment, interruptLine, promptLine } from './process/command-line.js';
import { decodeLine } from './decode/decode.js';
import { type StartFiles, writeStartFiles } from './process/start-files.js';
import { claudeConfigFolder, planStart, turnInFull, writeInstructions } from './process/start-plan.js';
import type { StartPlan } from './process/start-plan.js';
import { toToolSchema, MAX_SCHEMA_BYTES } from './decode/structured-output.js';
import type { ToolSchema } from './decode/structured-output.js';
import { startTurn, initialDecoderState } from './decode/turn-state.js';

const STOP_GRACE_MS = 3_000;
/** What Claude Code 2.1.330 ends with, before it has said anything, for a schema that it cannot use. */
const REFUSED_SCHEMA = /^Error: --json-schema /m;

type Batch = readonly HarnessEvent[];

interface RunningTurn {
  readonly turn: HarnessTurn;
  readonly subscriber: Subscriber<Batch>;
}

/** What a session needs besides its thread. */
export interface ClaudeCodeSessionTools {
  readonly sandbox: Sandbox;
  readonly command: string;
  readonly isRoot: boolean;
  /** Whether this Claude Code knows `client_composed`, see `promptLine`. */
  readonly knowsComposed: boolean;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
}

/**
 * One thread's conversation with Claude Code: one process for all its turns, started by the first. A turn that an earlier
 * process has begun is taken up where its transcript ends.
 *
 * Claude Code 2.1.330 takes an output schema when it starts, and for all turns of the process: `initialize` takes one only
 * before the first prompt, and nothing else does. So a turn of another schema gets a new process, and what the old one runs in the
 * background ends with it. So does a turn that follows one that the model provider refused, as Claude Code would send that again.
 */
export class ClaudeCodeSession implements HarnessSession {
  private process: SandboxProcess | undefined;
  /** Claude Code's name of the conversation, as far as it is needed to resume it. */
  private sessionId: string | undefined;
  /** The turn that ended last, if the model provider refused it: the process would send it again with the next one. */
  private refusedTurn: string | undefined;
  /** The output schema that the process was started with. */
  private schema: string | undefined;
  /** Processes whose conversation went on in another; what they still say is nobody's. */
  private readonly replaced = new WeakSet<SandboxProcess>();
  private replacing: Promise<void> | undefined;
  private running: RunningTurn | undefined;
  private state = initialDecoderState();
  private interruptWanted = false;
  private usable = true;
  private closing: Promise<void> | undefined;

  constructor(
    private readonly thread: HarnessThread,
    private readonly tools: ClaudeCodeSessionTools,
  ) {
    this.sessionId = thread.sessionId;
  }

  get alive(): boolean {
    return this.usable;
  }

  run(turn: HarnessTurn): Observable<Batch> {
    return new Observable<Batch>((subscriber) => {
      if (!this.usable || this.running !== undefined) {
        subscriber.next([
          { type: 'turn-failed', kind: 'process_died', message: 'The agent’s process is gone or busy.' },
        ]);
        subscriber.complete();
        return;
      }
      const running: RunningTurn = { turn, subscriber };
      this.running = running;
      this.startTurn(running).catch((error: unknown) => {
        this.tools.logger.error(`Claude Code could not be started: ${errorName(error)}`);
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
      // Nothing runs that could be interrupted: the process is being started, or sub-agents work in the background.
      this.emit([{ type: 'turn-end', reason: 'interrupted' }]);
      void this.close();
      return;
    }
    this.interruptWanted = true;
    this.forwardInterrupt();
  }

  close(): Promise<void> {
    this.usable = false;
    this.closing ??= this.stop();
    return this.closing;
  }

  /** Claude Code 2.1.330 loses an interrupt that comes before it has begun with the prompt. */
  private forwardInterrupt(): void {
    if (!this.interruptWanted || !this.state.turn.begun) return;
    this.interruptWanted = false;
    this.process?.writeLine(interruptLine(randomUUID()));
  }

  private async stop(): Promise<void> {
    await this.replacing;
    await this.process?.stop(STOP_GRACE_MS);
    const { running } = this;
    if (running !== undefined)
      this.failTurn(running, 'The agent was stopped in the middle of the turn.', 'process_died');
  }

  private async startTurn(running: RunningTurn): Promise<void> {
    const { turn } = running;
    const form = turn.outputSchema === undefined ? undefined : toToolSchema(turn.outputSchema);
    if (form !== undefined && Buffer.byteLength(form.schema) > MAX_SCHEMA_BYTES) {
      this.emit([
        { type: 'turn-failed', kind: 'bad_request', message: 'The output schema is too long for the agent.' },
      ]);
      return;
    }
    const isOutdated = this.refusedTurn !== undefined || form?.schema !== this.schema;
    if (this.process !== undefined && isOutdated) await this.replace(this.process);
    if (this.running !== running) return;
    this.state = startTurn(this.state, form?.shape);
    this.interruptWanted = false;
    const { sessionId, refusedTurn } = this;
    let told = turn;
    if (this.process === undefined) {
      const plan = await planStart(this.thread, { sessionId, refusedTurn }, turn, form?.shape);
      if (this.running !== running) return;
      this.refusedTurn = undefined;
      if (plan.isLost) this.tools.logger.warn(`The conversation of thread ${this.thread.id} is gone; a new one begins`);
      if (plan.turn.kind === 'ended') {
        this.emit([{ type: 'session-started', sessionId: plan.conversation.sessionId }, ...plan.turn.events]);
        return;
      }
      told = await turnInFull(plan, turn);
      const instructions = await writeInstructions(this.thread, this.tools.logger);
      const files = await writeStartFiles(this.thread, this.tools.sandbox);
      if (this.running !== running) return;
      this.process = this.spawn(plan, files, instructions, form);
      if (plan.turn.kind === 'continue') {
        if (plan.turn.events.length > 0) this.emit(plan.turn.events);
        return;
      }
    }
    this.process.writeLine(promptLine(told, this.tools.knowsComposed));
  }

  /** Ends the process, so that the turn gets another one that resumes the conversation. */
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
    form: ToolSchema | undefined,
  ): SandboxProcess {
    const { thread, tools } = this;
    this.schema = form?.schema;
    const process = tools.sandbox.spawn({
      threadId: thread.id,
      folders: thread.folders,
      command: tools.command,
      args: commandLine(thread, plan.conversation, files, instructions, form?.schema),
      env: environment(thread, claudeConfigFolder(thread), tools.isRoot, plan.turn.kind === 'continue'),
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
      const [state, said, notes] = decodeLine(this.state, line);
      this.state = state;
      for (const event of said) events.push(event);
      for (const note of notes)
        this.tools.logger.warn(`Claude Code wrote a line of ${note.length} characters that is no JSON`);
    }
    if (events.length > 0) this.emit(events);
    this.forwardInterrupt();
  }

  private processEnded(exit: SandboxExit): void {
    this.usable = false;
    const { running } = this;
    if (running === undefined) return;
    if (exit.notStarted !== undefined) {
      this.tools.logger.error(`Claude Code could not be started: ${describeStartFailure(exit.notStarted)}`);
      const { message, kind } = toStartFailure(exit.notStarted);
      this.failTurn(running, message, kind);
      return;
    }
    const how = exit.code === null ? `signal ${exit.signal ?? 'unknown'}` : `code ${exit.code}`;
    this.tools.logger.error(`Claude Code ended in the middle of a turn with ${how}`);
    if (REFUSED_SCHEMA.test(exit.stderr))
      this.failTurn(running, 'The output schema is no valid JSON Schema.', 'bad_request');
    else this.failTurn(running, `The agent's process ended in the middle of the turn (${how}).`, 'process_died');
  }

  private failTurn(running: RunningTurn, message: string, kind: FailureKind): void {
    this.usable = false;
    if (this.running === running) this.emit([{ type: 'turn-failed', kind, message }]);
  }

  private emit(events: Batch): void {
    const { running } = this;
    if (running === undefined) return;
    const last = events.at(-1);
    const ends = last !== undefined && isTurnEnd(last);
    // Before the last word: whoever hears it may run the next turn at once.
    if (ends) this.running = undefined;
    if (endsRefused(events)) this.refusedTurn = running.turn.id;
    running.subscriber.next(events);
    if (ends) running.subscriber.complete();
  }
}

/** An error's code or name; its message may hold a path. */
function errorName(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
