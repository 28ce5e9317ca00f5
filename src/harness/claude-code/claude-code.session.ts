// Over 250 lines because it holds every way from a turn to the process that runs it.
import { randomUUID } from 'node:crypto';
import { Observable } from 'rxjs';
import type { SandboxExit } from '../../sandbox/sandbox.js';
import type { EarlyStart, FurtherMessage, HarnessSession, HarnessThread, HarnessTurn } from '../harness.js';
import type { Prompt } from '../../domain/prompt.js';
import type { FailureKind, HarnessEvent } from '../../domain/harness-event.js';
import { isTurnEnd } from '../../domain/harness-event.js';
import { endsRefused } from '../../domain/provider-refusal.js';
import { toInterruptLine, toPromptLine, toUserLine } from './process/command-line.js';
import { ClaudeEarlyStart } from './early-start.js';
import { ClaudeProcess } from './process/claude-process.js';
import { toExitFailure } from './process/exit-failure.js';
import { buildCommand, prepareFiles, type ProcessTools } from './process/prepare-command.js';
import { changesRecord, type ProcessSetup, toProcessSetup } from './process/process-setup.js';
import { planStart, withMissingContext } from './process/start-plan.js';
import { findRecorded } from './resume/record-changes.js';
import { toFurtherUuid } from './resume/turn-plan.js';
import { MAX_SCHEMA_BYTES } from './decode/structured-output.js';
import { RunningTurn } from './running-turn.js';

type Batch = readonly HarnessEvent[];

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
  private readonly early: ClaudeEarlyStart;
  /** The process that was started early, for its first turn. */
  private takenEarly: ClaudeProcess | undefined;
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
    private thread: HarnessThread,
    private readonly tools: ProcessTools,
  ) {
    this.sessionId = thread.sessionId;
    this.early = new ClaudeEarlyStart(tools, (setup) => this.newProcess(setup));
  }

  async startEarly(): Promise<EarlyStart | undefined> {
    try {
      return await this.early.start(this.thread, this.sessionId);
    } catch (error) {
      this.tools.logger.warn(`failed to start Claude Code ahead of its turn: ${errorName(error)}`);
      return undefined;
    }
  }

  adopt(thread: HarnessThread): void {
    this.thread = thread;
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
      const running = new RunningTurn(turn, subscriber);
      this.running = running;
      this.turnId = turn.id;
      this.startTurn(running).catch((error: unknown) => this.failToStart(running, error));
      return () => {
        if (this.running !== running) return;
        void this.close();
        this.running = undefined;
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

  steer(message: FurtherMessage): Promise<boolean> {
    const { running } = this;
    // An older version does not tell whether the model hears it.
    if (running === undefined || !this.tools.supportsClientComposed) return Promise.resolve(false);
    return running.addMessage(message);
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
    // One that has time to stop records of a running tool that its program was killed, as if that had happened to the tool alone. The model
    // is to hear that it may have taken effect.
    const isCutOff = this.running !== undefined;
    await this.replacing;
    await Promise.all([isCutOff ? this.process?.kill() : this.process?.stop(), this.early.stop()]);
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
    } else {
      process.output.continueTurn();
      // Before the results: the agent hears a message that is queued when its calls have ended right behind their results.
      if (turn.prompt.length > 0) void this.writeMessage(process, turn.id, turn.prompt);
      process.answerCalls(turn.toolResults, turn.id);
    }
    this.startMessages(running, process);
  }

  private startMessages(running: RunningTurn, process: ClaudeProcess): void {
    running.startMessages((message) => this.writeMessage(process, toFurtherUuid(message), message.prompt, message.id));
  }

  private writeMessage(process: ClaudeProcess, uuid: string, prompt: Prompt, id?: string): Promise<boolean> {
    process.writeLine(toUserLine(uuid, prompt, true));
    return process.output.expectMessage(uuid, id);
  }

  /** Whether the process can run the turn. */
  private canRun({ output, setup }: ClaudeProcess, turn: HarnessTurn, { key }: ProcessSetup): boolean {
    if (this.refusedTurn !== undefined || setup.key !== key || changesRecord(turn)) return false;
    if (turn.toolResults === undefined) return !output.isWaiting;
    // An older version does not tell when the model hears a message that is queued.
    if (turn.prompt.length > 0 && !this.tools.supportsClientComposed) return false;
    return output.waitsFor(turn.toolResults.map(({ callId }) => callId));
  }

  /** Starts the process that runs the turn. */
  private async startProcess(running: RunningTurn, setup: ProcessSetup): Promise<void> {
    const { turn } = running;
    const { sessionId, refusedTurn, thread, tools } = this;
    const [plan, prepared] = await Promise.all([
      planStart(thread, { sessionId, refusedTurn }, turn, setup.toolSchema?.shape, tools.logger),
      this.early.isAhead ? undefined : prepareFiles(thread, tools),
    ]);
    if (this.running !== running) return;
    this.refusedTurn = undefined;
    if (plan.isLost) tools.logger.warn(`lost the conversation of thread ${thread.id}; starting a new one`);
    if (plan.turn.kind === 'ended') {
      this.emit([{ type: 'session-started', sessionId: plan.conversation.sessionId }, ...plan.turn.events]);
      return;
    }
    const completeTurn = plan.turn.kind === 'prompt' ? await withMissingContext(plan, turn) : turn;
    const early = await this.early.take(thread, plan, setup, (refused) => this.replaceRefused(refused));
    const process = early ?? this.newProcess(setup);
    const [files] =
      early === undefined ? await Promise.all([prepared ?? prepareFiles(thread, tools), process.prepare()]) : [];
    if (this.running !== running) return early?.stop();
    process.output.startTurn(setup.toolSchema?.shape);
    this.process = process;
    this.takenEarly = early;
    if (files !== undefined) process.start(tools.sandbox, buildCommand(thread, plan, setup, files, tools));
    if (plan.turn.kind === 'prompt') process.writeLine(toPromptLine(completeTurn, tools.supportsClientComposed));
    else if (plan.turn.events.length > 0) this.emit(plan.turn.events);
    this.startMessages(running, process);
    for (const message of plan.furtherMessages) void running.addMessage(message);
  }

  private newProcess(setup: ProcessSetup): ClaudeProcess {
    const process: ClaudeProcess = new ClaudeProcess(
      setup,
      {
        onEvents: (events) => this.emit(events),
        onRead: () => this.forwardInterrupt(),
        onExit: (exit) => this.processEnded(process, exit),
        turnId: () => this.turnId,
      },
      this.tools.logger,
    );
    return process;
  }

  /** Stops the process, so that the turn starts a new one that resumes the conversation. */
  private async replace(process: ClaudeProcess): Promise<void> {
    this.process = undefined;
    this.sessionId = process.output.sessionId ?? this.sessionId;
    this.replacing = process.discard();
    await this.replacing;
  }

  private processEnded(process: ClaudeProcess, exit: SandboxExit): void {
    if (this.early.noteExit(process)) return;
    const { running } = this;
    if (running !== undefined && this.canStartOver(process, running)) {
      void this.settleMessages(process);
      this.startOver(running, process);
      return;
    }
    this.reusable = false;
    void this.settleMessages(process);
    if (running === undefined) return;
    const { kind, message, cause } = toExitFailure(exit);
    this.tools.logger.error(cause);
    this.failTurn(running, message, kind);
  }

  /** A process that was started early may end as the turn reaches it: the caller is not to see that. */
  private canStartOver(process: ClaudeProcess, running: RunningTurn): boolean {
    return this.takenEarly === process && !running.hasEmitted && this.closing === undefined;
  }

  /** Runs the turn in another process, which goes on from what the first one has written down. */
  private startOver(running: RunningTurn, { output, setup }: ClaudeProcess): void {
    this.process = undefined;
    this.takenEarly = undefined;
    this.sessionId = output.sessionId ?? this.sessionId;
    running.beginAgain();
    this.startProcess(running, setup).catch((error: unknown) => this.failToStart(running, error));
  }

  /** Runs the turn in another process than the spare one that did not take its thread. */
  private replaceRefused(process: ClaudeProcess): void {
    const { running } = this;
    if (running === undefined || !this.canStartOver(process, running)) return;
    this.replacing = process.discard();
    void this.replacing.then(() => {
      void this.settleMessages(process);
      if (this.running === running && this.closing === undefined) this.startOver(running, process);
    });
  }

  /** Tells of messages that the process was given whether they are in its record, from which a later attempt knows them. */
  private async settleMessages({ output }: ClaudeProcess): Promise<void> {
    const uuids = output.expectedMessages;
    if (uuids.length === 0) return;
    const isRecorded = await findRecorded(this.thread.files, output.sessionId ?? this.sessionId, uuids).catch(
      (error: unknown) => {
        this.tools.logger.warn(`failed to read the record of Claude Code: ${errorName(error)}`);
        return () => false;
      },
    );
    for (const uuid of uuids) output.settleMessage(uuid, isRecorded(uuid));
  }

  private failToStart(running: RunningTurn, error: unknown): void {
    this.tools.logger.error(`failed to start Claude Code: ${errorName(error)}`);
    this.failTurn(running, 'The agent could not be started.', 'internal');
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
    running.emit(events);
    if (ends) running.complete();
  }
}

/** An error's code or name for the log; its message may contain a path. */
function errorName(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
