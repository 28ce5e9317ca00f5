import { Logger } from '@nestjs/common';
import { filter, lastValueFrom, map, Subject, takeUntil } from 'rxjs';
import { hasTrait } from '../../domain/event-traits.js';
import { type HarnessEvent, isTurnEnd } from '../../domain/harness-event.js';
import type { HarnessGateway } from '../../harness/harness.gateway.js';
import type { EventLog } from '../../storage/event-log/event-log.js';
import type { Prompt } from '../../domain/prompt.js';
import { isSideThread, type Thread, type ThreadStore } from '../../storage/stores/thread.store.js';
import type { Turn } from '../../storage/stores/turn.js';
import { hideAccountDetails } from './agent-account.js';
import { synthesizeMissingResults, collectEmittedIds, isReplayed } from './replay-dedupe.js';
import { durationExceeded } from './max-duration.js';
import { sanitizeEvent } from './sanitize-event.js';
import { readSeedHistory, logFields, readOutputSchema } from './stored-request.js';
import { StructuredOutputBuffer } from './structured-answer.js';
import { toOutcome, type TurnEnd, withoutReportedUsage } from './turn-outcome.js';

/** How often the process of one turn may die, or hang, and be resumed by this server. */
const MAX_RESUMPTIONS = 2;
/** How often a turn is tried in all, by whatever server: one that brings the server down must not do so for ever. */
const MAX_ATTEMPTS = 20;
/** How long an interrupted harness may take to end its turn before it is killed, in milliseconds. */
const INTERRUPT_GRACE_MS = 10_000;

const PROCESS_DIED: TurnEnd = {
  type: 'turn-failed',
  kind: 'process_died',
  message: 'The agent’s process ended in the middle of the turn.',
};

/** What a run needs of the server around it. */
export interface TurnRunContext {
  readonly gateway: HarnessGateway;
  readonly log: EventLog;
  readonly threads: ThreadStore;
  /** Takes the turn over as its next attempt; `undefined` when it is not ours any more. */
  readonly reclaim: (turn: Turn) => Promise<Turn | undefined>;
  /** What the store has of the turns before this one. */
  readonly recall: (turn: Turn) => Promise<Prompt>;
  /** Longest time of a turn, in milliseconds. */
  readonly turnTimeoutMs: number;
  /** The turn's own limit, in milliseconds; past it the turn fails. */
  readonly maxDurationMs: number | undefined;
  /** Longest silence of a harness that runs no tool, in milliseconds. */
  readonly harnessStallMs: number;
}

/** Runs one claimed turn to its end, whatever happens to its harness. */
export class TurnRun {
  private readonly logger = new Logger(TurnRun.name);
  readonly #abandoned$ = new Subject<void>();
  readonly #runningTools = new Set<string>();
  /** What the attempts before this one said. */
  #emittedBefore = collectEmittedIds([]);
  /** Of a turn whose answer is to follow a schema. */
  #structured: StructuredOutputBuffer | undefined;
  readonly #startedAt = performance.now();
  #events: HarnessEvent[] = [];
  #lastEventAt = performance.now();
  #interruptedAt: number | undefined;
  #interruptDelivered = false;
  #isOverdue = false;
  #handedOff = false;
  #resumptions = 0;
  #stalled = false;

  constructor(
    private thread: Thread,
    private turn: Turn,
    private readonly context: TurnRunContext,
  ) {}

  get turnId(): string {
    return this.turn.id;
  }

  /** Runs the turn as it was claimed. Resolves when it has ended or was set aside. Rejects when the store cannot take its end. */
  async run(claimed: Turn, thread: Thread): Promise<void> {
    this.turn = claimed;
    this.thread = thread;
    const schema = readOutputSchema(claimed);
    this.#structured = schema === undefined ? undefined : new StructuredOutputBuffer(schema);
    this.#events = [...(await this.context.log.open(this.turn))];
    if (this.turn.attempt > 1) this.ingest([{ type: 'attempt-start', attempt: this.turn.attempt }]);
    for (;;) {
      if (this.#handedOff) return this.context.log.handOff(this.turn.id);
      const end = this.endBeforeAttempt() ?? (await this.attempt());
      if (this.#handedOff) return this.context.log.handOff(this.turn.id);
      if (!this.shouldResume(end)) return this.finish(end);
      this.logger.warn(
        { ...logFields(this.turn), attempt: this.turn.attempt },
        'the harness died; the turn is resumed',
      );
      const next = await this.context.reclaim(this.turn);
      if (next === undefined) return this.context.log.handOff(this.turn.id);
      this.turn = next;
      await this.context.log.open(next);
      this.ingest([{ type: 'attempt-start', attempt: next.attempt }]);
    }
  }

  /** Asks the harness to end the turn, which then ends as interrupted; a harness that does not is killed. */
  interrupt(): void {
    if (this.#interruptedAt !== undefined) return;
    this.#interruptedAt = performance.now();
    this.#interruptDelivered = this.context.gateway.interrupt(this.thread.id);
  }

  /** Leaves the turn as it is, to be resumed by the next server, and stops its harness. */
  handOff(): void {
    this.#handedOff = true;
    this.#abandoned$.next();
  }

  /** To be called about once a second, with `performance.now()`. */
  tick(now: number): void {
    if (this.#interruptedAt !== undefined) {
      // The process may still have been on its way when the turn was interrupted.
      if (!this.#interruptDelivered) this.#interruptDelivered = this.context.gateway.interrupt(this.thread.id);
      if (now - this.#interruptedAt > INTERRUPT_GRACE_MS) void this.context.gateway.stop(this.thread.id);
    } else if (this.context.maxDurationMs !== undefined && now - this.#startedAt > this.context.maxDurationMs) {
      this.#isOverdue = true;
      this.interrupt();
    } else if (now - this.#startedAt > this.context.turnTimeoutMs) {
      this.emitTimeoutNotice();
      this.interrupt();
    } else if (this.#runningTools.size === 0 && now - this.#lastEventAt > this.context.harnessStallMs) {
      this.#stalled = true;
      this.#lastEventAt = now;
      void this.context.gateway.stop(this.thread.id);
    }
  }

  /** The end of a turn that is not worth, or not to be, tried once more. */
  private endBeforeAttempt(): TurnEnd | undefined {
    if (this.#interruptedAt !== undefined) return { type: 'turn-end', reason: 'interrupted' };
    if (this.turn.attempt <= MAX_ATTEMPTS) return undefined;
    return { type: 'turn-failed', kind: 'internal', message: `The turn was given up after ${MAX_ATTEMPTS} attempts.` };
  }

  private attempt(): Promise<TurnEnd> {
    const { thread, turn } = this;
    const [schema, history] = [readOutputSchema(turn), readSeedHistory(turn)];
    this.#lastEventAt = performance.now();
    this.#runningTools.clear();
    this.#emittedBefore = collectEmittedIds(turn.attempt > 1 ? this.#events : []);
    const events$ = this.context.gateway.run(
      { ...thread, tools: isSideThread(thread) ? 'none' : 'all', sessionId: this.sessionId() },
      {
        id: turn.id,
        prompt: turn.prompt,
        attempt: turn.attempt,
        turnIndex: turn.sequence - 1,
        ...(schema === undefined ? {} : { outputSchema: schema }),
        ...(history === undefined ? {} : { history }),
        ...(turn.sequence === 1 ? {} : { recall: () => this.recalled() }),
        ...(turn.attempt > 1 ? { priorEvents: [...this.#events] } : {}),
      },
    );
    const end$ = events$.pipe(
      takeUntil(this.#abandoned$),
      map((events) => this.ingest(events)),
      filter((end) => end !== undefined),
    );
    return lastValueFrom(end$, { defaultValue: PROCESS_DIED }).catch((error: unknown) => {
      this.logger.error({ ...logFields(turn), err: error }, 'the harness could not be started');
      return { type: 'turn-failed', kind: 'internal', message: 'The agent could not be started.' };
    });
  }

  /** Logs what the harness said. The end is kept back: it is written together with the turn's new state. */
  private ingest(events: readonly HarnessEvent[]): TurnEnd | undefined {
    this.#lastEventAt = performance.now();
    const sound = events.map(sanitizeEvent);
    const end = sound.find(isTurnEnd);
    const fresh = sound.filter((event) => !isTurnEnd(event) && !isReplayed(event, this.#emittedBefore));
    const said = this.#structured?.push(fresh) ?? fresh;
    for (const event of said) {
      this.#events.push(event);
      if (hasTrait(event, 'unit', 'tool-call')) this.#runningTools.add(event.id);
      else if (hasTrait(event, 'unit', 'tool-result')) this.#runningTools.delete(event.id);
      else if (event.type === 'session-started') this.storeSessionId(event.sessionId);
    }
    // A log that takes nothing more belongs to another process: this one must stop.
    if (!this.context.log.append(this.turn.id, said)) this.handOff();
    return end;
  }

  private async recalled(): Promise<Prompt | undefined> {
    const told = await this.context.recall(this.turn);
    return told.length === 0 ? undefined : told;
  }

  private sessionId(): string | undefined {
    const started = this.#events.findLast((event) => event.type === 'session-started');
    return started?.type === 'session-started' ? started.sessionId : this.thread.sessionId;
  }

  private storeSessionId(sessionId: string): void {
    if (sessionId === this.thread.sessionId) return;
    this.context.threads.setSession(this.thread.id, sessionId).catch((error: unknown) => {
      this.logger.error({ threadId: this.thread.id, err: error }, 'the conversation’s name could not be stored');
    });
  }

  private shouldResume(end: TurnEnd): boolean {
    if (end.type !== 'turn-failed' || end.kind !== 'process_died' || this.#interruptedAt !== undefined) return false;
    const limit = this.#stalled ? 1 : MAX_RESUMPTIONS;
    this.#resumptions += 1;
    return this.#resumptions <= limit;
  }

  private emitTimeoutNotice(): void {
    const seconds = this.context.turnTimeoutMs / 1000;
    const text = `[The turn was stopped: it took longer than the ${seconds} s that this server allows.]`;
    this.ingest([
      { type: 'text-delta', id: 'chiron-timeout', text },
      { type: 'block-end', id: 'chiron-timeout' },
    ]);
  }

  private async finish(end: TurnEnd): Promise<void> {
    const ended = this.normalizeEnd(end);
    const [rest, told] = (await this.#structured?.finish(ended)) ?? [[], ended];
    const last = this.turn.attempt > 1 ? withoutReportedUsage(told) : told;
    const left = [...rest, ...synthesizeMissingResults(this.#events)];
    const outcome = toOutcome(this.turn, this.thread, [...this.#events, ...left], last);
    // Stored when it was said, too, for a crash in the middle of the turn; here it cannot be missed.
    const sessionId = this.sessionId();
    await this.context.log.finish(this.turn.id, [...left, last], { ...outcome, sessionId });
  }

  private normalizeEnd(end: TurnEnd): TurnEnd {
    const refused = hideAccountDetails(end);
    if (refused !== undefined) {
      this.logger.error(
        { ...logFields(this.turn), failure: refused.kind },
        'the model provider refused the account of the agent',
      );
    }
    return this.afterInterruption(refused ?? end);
  }

  /** A harness that was killed because it did not heed an interruption, or that calls one a failure, was interrupted. */
  private afterInterruption(end: TurnEnd): TurnEnd {
    if (this.#interruptedAt === undefined || (end.type === 'turn-end' && end.reason !== 'interrupted')) return end;
    const { maxDurationMs } = this.context;
    return this.#isOverdue && maxDurationMs !== undefined
      ? { type: 'turn-failed', kind: 'timeout', message: durationExceeded(maxDurationMs) }
      : { type: 'turn-end', reason: 'interrupted' };
  }
}
