// Over 250 lines because it performs every action of a run; what to do is decided in run-state.ts.
import { Logger } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { HarnessEvent } from '../../domain/harness-event.js';
import type { PriceList } from '../../domain/prices/price-list.js';
import type { SeedMessage } from '../../domain/seed/seed-message.js';
import type { HarnessGateway } from '../../harness/harness.gateway.js';
import type { FurtherMessage } from '../../harness/harness.js';
import type { StoreClock } from '../../storage/database/store-clock.js';
import type { EventLog } from '../../storage/event-log/event-log.js';
import { isSideThread, type Thread, type ThreadStore } from '../../storage/stores/thread.store.js';
import type { Turn } from '../../storage/stores/turn.js';
import { countEarlierTurns } from '../history/branch.js';
import { NO_TOKENS } from '../../anthropic/usage.js';
import { hideAccountDetails } from './agent-account.js';
import type { EndedTurn } from './ended-turn.js';
import { FurtherMessages } from '../steering/further-messages.js';
import {
  advanceRun,
  endAfterInterrupt,
  endBeforeAttempt,
  findOverrun,
  INITIAL_RUN_STATE,
  type InterruptCause,
  type RunAction,
  type RunEvent,
  type RunLimits,
  type RunState,
} from './run-state.js';
import { readMaxDuration } from './max-duration.js';
import type { CallerInput } from './input/caller-input.js';
import {
  toLogFields,
  readAgentRules,
  readDropFrom,
  readOutputSchema,
  readPrompt,
  readSeed,
  readTraceparentText,
} from './input/stored-request.js';
import type { TurnObservation } from './turn-observer.js';
import { stampTools } from './stamp-tools.js';
import { AttemptReader } from './attempt-reader.js';
import { toOutcome, type TurnEnd } from './turn-outcome.js';
import { TurnOutput } from './turn-output.js';

const logger = new Logger('TurnRun');

/** The services and limits that runs use. One for all of them. */
export interface TurnRunContext {
  readonly gateway: HarnessGateway;
  readonly log: EventLog;
  readonly threads: ThreadStore;
  readonly clock: StoreClock;
  readonly limits: Omit<RunLimits, 'maxDurationMs'>;
  readonly prices: PriceList;
  /** Claims the turn's next attempt; `undefined` when this process no longer owns the turn. */
  readonly reclaim: (turn: Turn) => Promise<Turn | undefined>;
  /** Makes a seed from the conversation before this turn in the store; from that after a turn with this sequence number, if it is given. */
  readonly recall: (turn: Turn, since?: number) => Promise<readonly SeedMessage[]>;
  /** Opens an uploaded file of a tenant that a turn needs. */
  readonly openFile: (tenant: string, id: string) => Promise<AsyncIterable<Uint8Array> | undefined>;
  /** All messages that the user sent while the turn was running, for its next attempt. */
  readonly takeMessages: (turn: Turn) => Promise<readonly FurtherMessage[]>;
  /** Called when the turn has ended and its end is stored. */
  readonly noteEnd: (turn: Turn, thread: Thread, ended: EndedTurn) => void;
  /** Begins to watch the turn; `undefined` when nobody does. */
  readonly observe: (turn: Turn, thread: Thread) => TurnObservation | undefined;
  /** Loads what the turn's caller lends and returns to the agent. */
  readonly loadCallerInput: (turn: Turn, thread: Thread) => Promise<CallerInput>;
}

/**
 * Runs one claimed turn to its end, attempt after attempt. {@link advanceRun} decides; this class performs its actions: it starts
 * and stops the harness and writes the log.
 */
export class TurnRun {
  /** The harness's work on the current attempt. */
  #harnessRun: AttemptReader | undefined;
  readonly #startedAtMs = performance.now();
  #lastEventAtMs = performance.now();
  #firstEventMs: number | undefined;
  #deaths = 0;
  #state: RunState = INITIAL_RUN_STATE;
  #output = new TurnOutput([], undefined);
  readonly #further = new FurtherMessages((message) =>
    this.context.gateway.steer(this.thread.id, this.turn.id, message),
  );
  #callerInput: CallerInput = {};
  #observation: TurnObservation | undefined;

  constructor(
    private thread: Thread,
    private turn: Turn,
    private readonly context: TurnRunContext,
  ) {}

  get turnId(): string {
    return this.turn.id;
  }

  /** Runs the claimed turn. Resolves when it has ended or was handed off. Rejects when the store cannot write its end. */
  async run(claimed: Turn, thread: Thread): Promise<void> {
    this.turn = claimed;
    this.thread = thread;
    this.#observation = this.context.observe(claimed, thread);
    try {
      await this.prepare(claimed, thread);
      let state = this.#state;
      while (state.phase !== 'abandoned') {
        // One function waits for the harness: each that waits costs every running turn half a kilobyte.
        const end = endBeforeAttempt(state, this.turn.attempt) ?? (await this.readHarness(await this.beginAttempt()));
        state = this.advance({ type: 'attempt-ended', end });
        if (state.phase === 'ended') return await this.finish(end, state.interruptedBy);
        if (state.phase === 'running') state = await this.resume();
      }
      await this.context.log.handOff(this.turn.id);
    } finally {
      this.#observation?.close();
    }
  }

  private async prepare(claimed: Turn, thread: Thread): Promise<void> {
    this.#output = new TurnOutput(await this.context.log.open(claimed), readOutputSchema(claimed));
    this.#callerInput = await this.context.loadCallerInput(claimed, thread);
    this.logLaterAttempt();
  }

  /** Interrupts the harness; the turn ends as interrupted. A harness that does not end in time is killed. */
  interrupt(): void {
    this.advance({ type: 'interrupt-requested', nowMs: performance.now() });
  }

  /** Leaves the turn to the next server, which resumes it, and unsubscribes from its harness. */
  handOff(): void {
    this.advance({ type: 'handed-off' });
  }

  /** Hands further messages of the user to the agent. They are assigned to the turn in the store. */
  steer(messages: readonly FurtherMessage[]): void {
    this.#further.add(messages);
    this.#further.deliver();
  }

  /** Checks the limits. Call about once a second, with `performance.now()`. */
  tick(nowMs: number): void {
    const elapsedMs = nowMs - this.#startedAtMs;
    const limits = { ...this.context.limits, maxDurationMs: readMaxDuration(this.turn) };
    const silentMs = this.#output.isRunningTool ? undefined : nowMs - this.#lastEventAtMs;
    this.advance({ type: 'ticked', nowMs, overrun: findOverrun({ elapsedMs, silentMs }, limits) });
  }

  private advance(event: RunEvent): RunState {
    const [state, actions] = advanceRun(this.#state, event);
    this.#state = state;
    for (const action of actions) this.perform(action);
    return this.#state;
  }

  private perform(action: RunAction): void {
    switch (action) {
      case 'interrupt-harness':
        // False while the process is starting; the next tick retries.
        if (this.context.gateway.interrupt(this.thread.id)) this.advance({ type: 'interrupt-delivered' });
        return;
      case 'stop-harness':
        // The resumed process gets the full stall limit.
        this.#lastEventAtMs = performance.now();
        void this.context.gateway.stop(this.thread.id);
        return;
      case 'log-timeout-notice':
        this.logTimeoutNotice();
        return;
      case 'unsubscribe':
        this.#harnessRun?.unsubscribe();
        return;
      default:
        return action satisfies never;
    }
  }

  /** Makes what the harness emits when it is run once more. Rejects only if the store cannot be read. */
  private async beginAttempt(): Promise<Observable<readonly HarnessEvent[]>> {
    const { thread, turn } = this;
    const [schema, seed, dropFrom] = [readOutputSchema(turn), readSeed(turn), readDropFrom(turn)];
    const furtherMessages = turn.attempt > 1 ? await this.context.takeMessages(turn) : [];
    this.#further.begin(furtherMessages);
    this.#lastEventAtMs = performance.now();
    this.#output.beginAttempt(turn.attempt);
    this.#observation?.attempt(turn.attempt);
    return this.context.gateway.run(
      {
        // By name: of the others, an open stream would hold a copy.
        id: thread.id,
        key: thread.key,
        harness: thread.harness,
        harnessModel: thread.harnessModel,
        systemPrompt: thread.systemPrompt,
        tools: isSideThread(thread) ? 'none' : 'all',
        sessionId: this.sessionId(),
        // No other server needs the files of a side request.
        version: isSideThread(thread) ? undefined : { generation: thread.generation, turn: turn.sequence },
      },
      {
        id: turn.id,
        prompt: readPrompt(turn),
        attempt: turn.attempt,
        turnIndex: countEarlierTurns(thread, turn.sequence),
        rules: readAgentRules(turn),
        traceparent: this.#observation?.traceparent ?? readTraceparentText(turn),
        ...this.#callerInput,
        openFile: (id) => this.context.openFile(thread.tenant, id),
        ...(schema === undefined ? {} : { outputSchema: schema }),
        ...(seed.length === 0 ? {} : { seed }),
        ...(dropFrom === undefined ? {} : { dropFrom }),
        ...(turn.sequence === 1
          ? {}
          : {
              recall: () => this.context.recall(this.turn),
              recallSince: (sequence) => this.context.recall(this.turn, sequence),
            }),
        ...(turn.attempt > 1 ? { priorEvents: this.#output.events } : {}),
        ...(furtherMessages.length === 0 ? {} : { furtherMessages }),
      },
    );
  }

  /** Resolves to the end of the turn when the harness has ended it, has died or is unsubscribed. Never rejects. */
  private readHarness(events$: Observable<readonly HarnessEvent[]>): Promise<TurnEnd> {
    return new Promise((resolve) => {
      const reader = new AttemptReader(this, resolve);
      this.#harnessRun = reader;
      reader.read(events$);
    });
  }

  private async resume(): Promise<RunState> {
    logger.warn({ ...toLogFields(this.turn), attempt: this.turn.attempt }, 'the harness died; resuming the turn');
    this.#deaths += 1;
    const next = await this.context.reclaim(this.turn);
    if (next === undefined) return this.advance({ type: 'handed-off' });
    this.turn = next;
    await this.context.log.open(next);
    this.logLaterAttempt();
    return this.#state;
  }

  private logLaterAttempt(): void {
    const { attempt } = this.turn;
    if (attempt > 1) this.ingest([{ type: 'attempt-start', attempt }]);
  }

  private logTimeoutNotice(): void {
    const seconds = this.context.limits.turnTimeoutMs / 1000;
    const text = `[Turn stopped: it exceeded this server's time limit of ${seconds} s.]`;
    this.ingest([
      { type: 'text-delta', id: 'chiron-timeout', text },
      { type: 'block-end', id: 'chiron-timeout' },
    ]);
  }

  /** What the turn ends with when its harness cannot be run for this reason. */
  failedStart(error: unknown): TurnEnd {
    logger.error({ ...toLogFields(this.turn), err: error }, 'failed to start the harness');
    return { type: 'turn-failed', kind: 'internal', message: 'The agent could not be started.' };
  }

  /** Logs harness events. Returns the end without logging it: `finish` writes it together with the turn's new state. */
  ingest(emitted: readonly HarnessEvent[]): TurnEnd | undefined {
    this.#lastEventAtMs = performance.now();
    this.#firstEventMs ??= this.#lastEventAtMs - this.#startedAtMs;
    const { events, end } = this.#output.add(stampTools(emitted, this.context.clock.now()));
    this.#observation?.emitted(events);
    for (const event of events) if (event.type === 'session-started') this.storeSessionId(event.sessionId);
    // A log that rejects events belongs to another process: this one must stop.
    if (!this.context.log.append(this.turn.id, events)) this.handOff();
    // The agent's process has started now.
    if (end === undefined) this.#further.deliver();
    return end;
  }

  private sessionId(): string | undefined {
    return this.#output.sessionId ?? this.thread.sessionId;
  }

  private storeSessionId(sessionId: string): void {
    if (sessionId === this.thread.sessionId) return;
    this.context.threads.setSession(this.thread.id, sessionId).catch((error: unknown) => {
      logger.error({ threadId: this.thread.id, err: error }, 'failed to store the session id of a thread');
    });
  }

  private async finish(reported: TurnEnd, interruptedBy: InterruptCause | undefined): Promise<void> {
    const last = await this.#output.finish(this.endForCaller(reported, interruptedBy), this.turn.attempt);
    const { end } = last;
    const endedAt = this.context.clock.now();
    const events = stampTools(last.events, endedAt);
    const { outcome, costs } = toOutcome(this.turn, this.thread, [...this.#output.events, ...events], end, {
      endedAt,
      prices: this.context.prices,
    });
    // `ingest` has stored it already, for a crash in the middle of the turn; that write may have failed, this one cannot.
    const sessionId = this.sessionId();
    const isStored = await this.context.log.finish(this.turn.id, [...events, end], { ...outcome, sessionId });
    if (!isStored) return;
    const ended: EndedTurn = {
      harness: this.thread.harness,
      state: outcome.state,
      failure: end.type === 'turn-failed' ? end.kind : undefined,
      runMs: performance.now() - this.#startedAtMs,
      firstEventMs: this.#firstEventMs,
      usage: outcome.usage ?? NO_TOKENS,
      costs,
      deaths: this.#deaths,
    };
    this.context.noteEnd(this.turn, this.thread, ended);
    this.#observation?.end(ended, end.type === 'turn-failed' ? end.kind : end.reason, outcome.message);
  }

  private endForCaller(reported: TurnEnd, interruptedBy: InterruptCause | undefined): TurnEnd {
    const hidden = hideAccountDetails(reported);
    if (hidden !== undefined) {
      logger.error(
        { ...toLogFields(this.turn), failure: hidden.kind },
        'the model provider refused the account of the agent',
      );
    }
    return endAfterInterrupt(hidden ?? reported, interruptedBy, readMaxDuration(this.turn));
  }
}
