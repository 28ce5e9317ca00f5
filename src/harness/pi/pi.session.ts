import { randomUUID } from 'node:crypto';
import { Observable } from 'rxjs';
import { type HarnessEvent, isTurnEnd } from '../../domain/harness-event.js';
import { endsRefused } from '../../domain/provider-refusal.js';
import type { EarlyStart, FurtherMessage, HarnessSession, HarnessThread, HarnessTurn } from '../harness.js';
import { toPiInput } from './process/input.js';
import { toPiExitFailure } from './process/exit-failure.js';
import { findHeardTexts } from './record/plan.js';
import { findRecordedTurns } from './record/record.js';
import { readPiRecord } from './record/session-file.js';
import { type PiBeginning, prepareBeginning } from './session/beginning.js';
import { PiProcess, type PiTools } from './session/pi-process.js';
import { PiRunningTurn } from './session/pi-running-turn.js';
import { PiTurn } from './session/pi-turn.js';
import { withSchema } from '../prompt/schema-answer.js';
import { uploadFolder } from '../prompt/uploads.js';

/**
 * One thread's conversation with pi: one process for all turns, started by the first. A turn that changes the record, or follows a refused one,
 * gets a new process, as pi reads its record when it starts.
 */
export class PiSession implements HarnessSession {
  #sessionId: string | undefined;
  #hasToldId = false;
  #process: PiProcess | undefined;
  /** The start of a process before its first turn. */
  #starting: Promise<unknown> = Promise.resolve();
  #running: PiRunningTurn | undefined;
  #turn: PiTurn | undefined;
  /** Whether the record ends with a turn whose content was refused, which the next one would send again. */
  #endsRefused = false;
  #isAlive = true;
  #closing: Promise<void> | undefined;

  constructor(
    private readonly thread: HarnessThread,
    private readonly tools: PiTools,
  ) {
    this.#sessionId = thread.sessionId;
  }

  get alive(): boolean {
    return this.#isAlive;
  }

  async startEarly(): Promise<EarlyStart | undefined> {
    const starting = this.#startEarly();
    this.#starting = starting.catch(() => undefined);
    try {
      return await starting;
    } catch (error) {
      this.tools.logger.warn(`failed to start pi ahead of its turn: ${nameOf(error)}`);
      return undefined;
    }
  }

  run(turn: HarnessTurn): Observable<readonly HarnessEvent[]> {
    return new Observable((subscriber) => {
      const running = new PiRunningTurn((events) => {
        // Before the end is emitted: its subscriber may run the next turn at once.
        if (running.isOver) this.#end(events);
        subscriber.next(events);
        if (running.isOver) subscriber.complete();
      });
      this.#running = running;
      this.#runTurn(turn, running).catch((error: unknown) => {
        this.tools.logger.warn(`failed to run a turn of thread ${this.thread.id}: ${nameOf(error)}`);
        this.#isAlive = false;
        running.emit([{ type: 'turn-failed', kind: 'internal', message: 'The agent could not run the turn.' }]);
      });
      return () => {
        if (running.isOver) return;
        running.abandon();
        void this.close();
      };
    });
  }

  interrupt(): void {
    if (this.#running === undefined) return;
    this.#running.interruptRequested = true;
    this.#turn?.interrupt();
  }

  steer(message: FurtherMessage): Promise<boolean> {
    return this.#running?.addMessage(message) ?? Promise.resolve(false);
  }

  close(): Promise<void> {
    this.#isAlive = false;
    // One that has time to stop records of a running tool that it was aborted. The model is to hear that it may have taken effect.
    const isCutOff = this.#running !== undefined;
    this.#closing ??= this.#starting.then(() => this.#process?.stop(isCutOff ? 0 : undefined));
    return this.#closing;
  }

  async #startEarly(): Promise<EarlyStart | undefined> {
    // What pi is told of its thread is told it when it starts.
    if (this.thread.isSpare === true) return undefined;
    const process = await this.#start();
    const gone = process.exit.then(() => {
      if (this.#process === process && !process.isUsed) this.#process = undefined;
    });
    return { gone };
  }

  async #start(): Promise<PiProcess> {
    this.#sessionId ??= randomUUID();
    const process = await PiProcess.start(this.thread, this.#sessionId, this.tools);
    this.#process = process;
    return process;
  }

  #end(events: readonly HarnessEvent[]): void {
    this.#running = undefined;
    this.#turn = undefined;
    this.#endsRefused = endsRefused(events);
    const end = events.at(-1);
    if (end !== undefined && isTurnEnd(end) && end.type === 'turn-failed' && end.kind === 'process_died') {
      this.#isAlive = false;
    }
  }

  /** Runs the turn. Resolves when it has ended. */
  async #runTurn(turn: HarnessTurn, running: PiRunningTurn): Promise<void> {
    await this.#starting;
    const isNew = this.thread.sessionId === undefined && !this.#hasToldId;
    // The same for every attempt of the first turn.
    const sessionId = (this.#sessionId ??= turn.id);
    if (!this.#hasToldId) running.emit([{ type: 'session-started', sessionId }]);
    this.#hasToldId = true;
    const beginning = await this.#begin(sessionId, turn, isNew);
    running.emit(beginning.events);
    if (beginning.kind === 'ended' || running.isOver) return;
    for (const message of beginning.further) void running.addMessage(message);
    const process = this.#process ?? (await this.#start());
    if (running.isOver) return process.stop();
    const { logger } = this.tools;
    const own = new PiTurn(this.thread, process, running, logger);
    this.#turn = own;
    await own.run(turn.id, withSchema(beginning.prompt, turn.outputSchema));
    if (!running.isOver) await this.#fail(process, turn, running);
  }

  /** Brings the record in order, with no process that has it open. */
  async #begin(sessionId: string, turn: HarnessTurn, isNew: boolean): Promise<PiBeginning> {
    const changes = turn.attempt > 1 || turn.dropFrom !== undefined || (turn.seed ?? []).length > 0;
    const { prompt } = turn;
    if (this.#process?.isUsed === true && !changes && !this.#endsRefused) {
      return { kind: 'prompt', events: [], prompt, further: turn.furtherMessages ?? [], isLost: false };
    }
    // The first turn of a process may find anything in the record.
    const { beginning, change } = await prepareBeginning(this.thread, sessionId, turn, isNew);
    if (beginning.kind === 'prompt' && beginning.isLost) {
      this.tools.logger.warn(`lost the conversation of thread ${this.thread.id}; started a new one`);
    }
    if (change !== undefined) {
      const process = this.#process;
      this.#process = undefined;
      await process?.stop();
      await change();
    }
    this.#endsRefused = false;
    return beginning;
  }

  /** The process has exited during the turn. */
  async #fail(process: PiProcess, turn: HarnessTurn, running: PiRunningTurn): Promise<void> {
    this.#isAlive = false;
    const { kind, message, cause } = toPiExitFailure(await process.exit);
    if (!process.isStopped) this.tools.logger.error(cause);
    await this.#settleMessages(turn, running);
    running.emit([{ type: 'turn-failed', kind, message }]);
  }

  /** Tells of messages that pi was given whether they are in its record, from which a later attempt knows them. */
  async #settleMessages({ id }: HarnessTurn, running: PiRunningTurn): Promise<void> {
    if (running.unheard.length === 0) return;
    const record = await readPiRecord(this.thread.files, this.#sessionId ?? '');
    const turn = record === undefined ? undefined : findRecordedTurns(record).findLast((each) => each.id === id);
    const texts = turn === undefined ? [] : findHeardTexts(turn);
    for (const message of running.unheard) {
      const text = toPiInput(message.prompt, uploadFolder(this.thread)).message;
      running.settle(message.id, texts.includes(text));
    }
  }
}

/** An error for the log: its message may contain a path, or quote the user. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
