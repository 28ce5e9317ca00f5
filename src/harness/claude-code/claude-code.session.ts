import { randomUUID } from 'node:crypto';
import type { Logger } from '@nestjs/common';
import { Observable } from 'rxjs';
import type { Subscriber } from 'rxjs';
import type { Sandbox, SandboxCommand, SandboxExit } from '../../sandbox/sandbox.js';
import type { HarnessSession, HarnessThread, HarnessTurn } from '../harness.js';
import type { FailureKind, HarnessEvent } from '../../domain/harness-event.js';
import { isTurnEnd } from '../../domain/harness-event.js';
import { endsRefused } from '../../domain/provider-refusal.js';
import { toStartFailure, describeStartFailure } from '../start-failure.js';
import { buildCommandLine, buildClaudeEnvironment, toInterruptLine, toPromptLine } from './process/command-line.js';
import { ClaudeProcess } from './process/claude-process.js';
import { hasControlChannel, type ProcessSetup, toProcessSetup } from './process/process-setup.js';
import { writeStartFiles } from './process/start-files.js';
import { findConfigFolder, planStart, withMissingContext, writeInstructions } from './process/start-plan.js';
import type { StartPlan } from './process/start-plan.js';
import { MAX_SCHEMA_BYTES } from './decode/structured-output.js';

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
 * A turn with another setup (see `toProcessSetup`) gets a new process, which ends the background work of the old one. So do a turn after a
 * refused one, as Claude Code would resend the refused prompt, and a turn for which the process does not wait: one that brings results
 * which the process cannot take, or one without the results of calls that wait.
 */
export class ClaudeCodeSession implements HarnessSession {
  private process: ClaudeProcess | undefined;
  /** Claude Code's id of the conversation, to resume it. */
  private sessionId: string | undefined;
  /** The newest turn, if the model provider refused it: the process would resend it with the next prompt. */
  private refusedTurn: string | undefined;
  private replacing: Promise<void> | undefined;
  private running: RunningTurn | undefined;
  /** The newest turn that ran. */
  private turnId = '';
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
      this.turnId = turn.id;
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
    if (process === undefined || process.output.isAnswered) {
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
    if (!this.interruptRequested || this.process?.output.isStarted !== true) return;
    this.interruptRequested = false;
    this.process.writeLine(toInterruptLine(randomUUID()));
  }

  private async stop(): Promise<void> {
    await this.replacing;
    await this.process?.stop();
    const { running } = this;
    if (running !== undefined) this.failTurn(running, 'The agent was stopped during the turn.', 'process_died');
  }

  private async startTurn(running: RunningTurn): Promise<void> {
    const { turn } = running;
    const setup = toProcessSetup(turn);
    if (setup.toolSchema !== undefined && Buffer.byteLength(setup.toolSchema.schema) > MAX_SCHEMA_BYTES) {
      this.emit([
        { type: 'turn-failed', kind: 'bad_request', message: 'The output schema is too long for the agent.' },
      ]);
      return;
    }
    if (this.process !== undefined && !this.canRun(this.process, turn, setup)) await this.replace(this.process);
    if (this.running !== running) return;
    this.interruptRequested = false;
    const { process } = this;
    if (process === undefined) return this.startProcess(running, setup);
    if (turn.toolResults === undefined) {
      process.output.startTurn(setup.toolSchema?.shape);
      process.writeLine(toPromptLine(turn, this.tools.supportsClientComposed));
      return;
    }
    // Before the results: the agent hears a message that is queued when its calls have ended right behind their results.
    if (turn.prompt.length > 0) process.writeLine(toPromptLine(turn, this.tools.supportsClientComposed));
    process.answerCalls(turn.toolResults, turn.id);
    process.output.continueTurn();
  }

  /** Whether the process can run the turn. */
  private canRun({ output, setup }: ClaudeProcess, turn: HarnessTurn, { key }: ProcessSetup): boolean {
    if (this.refusedTurn !== undefined || setup.key !== key || changesRecord(turn)) return false;
    return turn.toolResults === undefined
      ? !output.isWaiting
      : output.waitsFor(turn.toolResults.map(({ callId }) => callId));
  }

  /** Starts the process that runs the turn. */
  private async startProcess(running: RunningTurn, setup: ProcessSetup): Promise<void> {
    const { turn } = running;
    const { sessionId, refusedTurn, thread, tools } = this;
    const plan = await planStart(thread, { sessionId, refusedTurn }, turn, setup.toolSchema?.shape, tools.logger);
    if (this.running !== running) return;
    this.refusedTurn = undefined;
    if (plan.isLost) tools.logger.warn(`lost the conversation of thread ${thread.id}; starting a new one`);
    if (plan.turn.kind === 'ended') {
      this.emit([{ type: 'session-started', sessionId: plan.conversation.sessionId }, ...plan.turn.events]);
      return;
    }
    const completeTurn = await withMissingContext(plan, turn);
    const process = new ClaudeProcess(
      setup,
      {
        onEvents: (events) => this.emit(events),
        onRead: () => this.forwardInterrupt(),
        onExit: (exit) => this.processEnded(exit),
        turnId: () => this.turnId,
      },
      tools.logger,
    );
    const [command] = await Promise.all([this.toCommand(plan, setup), process.prepare()]);
    if (this.running !== running) return;
    process.output.startTurn(setup.toolSchema?.shape);
    this.process = process;
    process.start(tools.sandbox, command);
    if (plan.turn.kind === 'prompt') process.writeLine(toPromptLine(completeTurn, tools.supportsClientComposed));
    else if (plan.turn.events.length > 0) this.emit(plan.turn.events);
  }

  private async toCommand(plan: StartPlan, { toolSchema, ...setup }: ProcessSetup): Promise<SandboxCommand> {
    const { thread, tools } = this;
    const instructions = await writeInstructions(thread, tools.logger);
    const files = await writeStartFiles(thread, tools.sandbox);
    return {
      threadId: thread.id,
      folders: thread.folders,
      command: tools.command,
      args: buildCommandLine(thread, plan.conversation, files, {
        systemPromptFile: instructions,
        schema: toolSchema?.schema,
        awaitsInitialize: tools.supportsClientComposed && hasControlChannel(setup),
      }),
      env: buildClaudeEnvironment(thread, findConfigFolder(thread), tools.isRoot, plan.turn.kind === 'continue'),
    };
  }

  /** Stops the process, so that the turn starts a new one that resumes the conversation. */
  private async replace(process: ClaudeProcess): Promise<void> {
    this.process = undefined;
    this.sessionId = process.output.sessionId ?? this.sessionId;
    this.replacing = process.discard();
    await this.replacing;
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

/** Whether the turn begins with a change of the record, which only a new process reads. */
function changesRecord({ dropFrom, seed = [] }: HarnessTurn): boolean {
  return dropFrom !== undefined || seed.length > 0;
}

/** An error's code or name for the log; its message may contain a path. */
function errorName(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
