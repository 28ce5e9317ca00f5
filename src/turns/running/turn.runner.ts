// Over 250 lines because a turn’s way from its submission to its end has one owner.
import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { setTimeout as wait } from 'node:timers/promises';
import { type Observable, Subject } from 'rxjs';
import { ThisNode } from '../../cluster/this-node.js';
import { AppConfig } from '../../config/app-config.js';
import { HarnessGateway } from '../../harness/harness.gateway.js';
import { UploadedFiles } from '../../filestore/uploaded-files.js';
import { StoreClock } from '../../storage/database/store-clock.js';
import { EventLog } from '../../storage/event-log/event-log.js';
import { SessionMessageStore } from '../../storage/stores/session-message.store.js';
import { type Thread, ThreadStore } from '../../storage/stores/thread.store.js';
import { hasEnded, type Turn } from '../../storage/stores/turn.js';
import { CallerToolStore } from '../../storage/stores/caller-tool.store.js';
import { type Claimant, TurnStore } from '../../storage/stores/turn.store.js';
import { StoredConversation } from '../memory/stored-conversation.js';
import { ThreadSignals } from '../hosting/thread-signals.js';
import { loadCallerInput } from './input/caller-input.js';
import { Drain } from './drain.js';
import type { EndedTurn } from './ended-turn.js';
import { toLogFields } from './input/stored-request.js';
import { type PendingTurn, RunQueue, type RunnerCounts, type RunSlot } from './run-queue.js';
import { TurnMcpServers } from './input/turn-mcp-servers.js';
import type { TurnObserver } from './turn-observer.js';
import { TurnRun, type TurnRunContext } from './turn-run.js';

/** How often running turns are checked against their time limits. */
const TICK_MS = 1000;
/** Delays before a turn that failed to run is submitted again. */
const INITIAL_BACKOFF_MS = 1000;
const MAX_BACKOFF_MS = 30_000;

/** A turn that this process runs, from its claim to its stored end. */
interface RunningTurn {
  readonly run: TurnRun;
  readonly ended: Promise<void>;
}

/**
 * Runs the turns of this process: one at a time per thread, in order, up to the deployment's concurrency limit.
 *
 * submit → ({@link RunQueue}) → start → claim → run ({@link TurnRun}) → end. A turn that failed to run is submitted again later.
 */
@Injectable()
export class TurnRunner implements OnApplicationBootstrap {
  private readonly logger = new Logger(TurnRunner.name);
  readonly #queue: RunQueue<RunningTurn>;
  readonly #context: TurnRunContext;
  readonly #drain = new Drain();
  /** The turns that run or are pending: a look at the store asks for each of them. */
  readonly #turnIds = new Set<string>();
  readonly #ended$ = new Subject<EndedTurn>();
  #observer: TurnObserver | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly gateway: HarnessGateway,
    private readonly log: EventLog,
    private readonly threads: ThreadStore,
    private readonly turns: TurnStore,
    messages: SessionMessageStore,
    private readonly node: ThisNode,
    conversation: StoredConversation,
    callerTools: CallerToolStore,
    private readonly mcpServers: TurnMcpServers,
    private readonly signals: ThreadSignals,
    private readonly clock: StoreClock,
    files: UploadedFiles,
  ) {
    this.#queue = new RunQueue(config.maxConcurrentTurns);
    const { turnTimeoutMs, harnessStallMs, prices } = config;
    this.#context = {
      gateway,
      log,
      threads,
      clock,
      prices,
      limits: { turnTimeoutMs, harnessStallMs },
      reclaim: (dead) => this.reclaim(dead),
      loadCallerInput: (claimed, current) =>
        loadCallerInput(callerTools, mcpServers, claimed, current, (id) => log.readAll(id)),
      recall: ({ threadId, sequence }, since) => conversation.loadSeed(threadId, sequence, since),
      openFile: (tenant, id) => files.openKept(tenant, id),
      takeMessages: ({ id }) => messages.take(id, clock.now()),
      noteEnd: (turn, thread, ended) => this.noteEnd(thread, turn, ended),
      observe: (claimed, current) => this.#observer?.begin(claimed, current),
    };
  }

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => this.tick(), TICK_MS).unref();
  }

  /** True once the server is stopping; it accepts no more turns. */
  get draining(): boolean {
    return this.#drain.hasBegun;
  }

  /** Each turn that ends here, once its end is stored. Never completes; unsubscribing has no effect on turns. */
  get ended$(): Observable<EndedTurn> {
    return this.#ended$;
  }

  /** Lets somebody watch the turns that begin to run here from now on. */
  observeTurns(observer: TurnObserver): void {
    this.#observer = observer;
  }

  get counts(): RunnerCounts {
    return this.#queue.counts;
  }

  /** Whether all slots are taken: another turn would wait. */
  get isFull(): boolean {
    return this.#queue.isFull;
  }

  /** Whether the turn runs or is pending in this process. */
  knows(turnId: string): boolean {
    return this.#turnIds.has(turnId);
  }

  /** Whether a turn of this thread is being stored that starts at once. */
  hasReservedSlot(threadId: string): boolean {
    return this.#queue.isReserved(threadId);
  }

  /** The run of a thread's claimed turn in this process. */
  runningTurn(threadId: string): TurnRun | undefined {
    return this.#queue.runningOf(threadId)?.run;
  }

  /**
   * Reserves a slot for a turn of this thread, so that it can start at once; `undefined` when the turn has to wait. The slot is
   * taken until the turn is submitted or the slot is released.
   */
  reserveSlot(thread: Pick<Thread, 'id' | 'tenant'>): RunSlot | undefined {
    if (!this.canStart || !this.#queue.reserve(thread)) return undefined;
    const release = (): void => {
      if (this.#queue.release(thread.id)) this.startRunnable();
    };
    return { claimant: this.claimant(), release };
  }

  /**
   * Starts or queues a stored turn, unless this process has it. Its state is `queued`, or `running` if this process reserved a slot for
   * it or another process had started it.
   */
  submit(thread: Thread, turn: Turn): void {
    if (this.knows(turn.id)) return;
    this.#turnIds.add(turn.id);
    const pending: PendingTurn = { thread, turn, isCancelled: false };
    const hasSlot = this.#queue.release(turn.threadId) && turn.state === 'running' && this.canStart;
    if (hasSlot) this.start(pending, true);
    else this.#queue.enqueue(pending);
    this.signals.submitted(turn.threadId);
    this.startRunnable();
  }

  /** Interrupts a running turn or cancels a pending one. False when this process has neither. */
  async interrupt(turn: Pick<Turn, 'id' | 'threadId'>): Promise<boolean> {
    const running = this.#queue.runningOf(turn.threadId);
    if (running?.run.turnId === turn.id) {
      running.run.interrupt();
      return true;
    }
    const pending = this.#queue.findPending(turn.id);
    if (pending === undefined) return false;
    if (pending.turn.state === 'running') {
      // An earlier server had started it, and its events are in the log: it ends like a running turn.
      this.#queue.markCancelled(pending);
      return true;
    }
    this.#queue.removePending(pending);
    this.#turnIds.delete(turn.id);
    const cancelled = await this.turns.cancelQueued(turn.id, { now: this.clock.now(), failure: undefined });
    this.log.wakeReaders(turn.id);
    return cancelled;
  }

  /** Interrupts the running turn of a thread and cancels its pending ones. Resolves when none of them runs. */
  async stopThread(threadId: string): Promise<void> {
    for (const { turn } of this.#queue.pendingOf(threadId)) await this.interrupt(turn);
    const running = this.#queue.runningOf(threadId);
    running?.run.interrupt();
    await this.gateway.stop(threadId);
    await running?.ended;
  }

  /** Skips the drain, now or later, so that the server stops without waiting for running turns. */
  skipDrain(): void {
    this.#drain.skip();
  }

  /**
   * Drains the server: running turns get `CHIRON_DRAIN_SECONDS` to end. The others are handed off to the next server, which
   * resumes them, and their processes are stopped.
   */
  async shutDown(): Promise<void> {
    await this.#drain.run(
      this.#queue.running.map(({ ended }) => ended),
      this.config.drainMs,
    );
    clearInterval(this.#timer);
    const unfinished = this.#queue.running;
    for (const { run } of unfinished) run.handOff();
    await Promise.all(unfinished.map(({ ended }) => ended));
    // Readers of pending turns get their end now, while their connections are still open.
    await this.log.completeReaders();
    await this.gateway.stopAll();
  }

  /**
   * Ends everything that runs here, at once, and lets go of all turns: another server may run them. Resolves when their processes are
   * gone.
   */
  async abandonAll(): Promise<void> {
    for (const { turn } of this.#queue.clearPending()) this.#turnIds.delete(turn.id);
    const { running } = this.#queue;
    const killed = this.gateway.killAll();
    this.log.releaseAll();
    for (const { run } of running) run.handOff();
    await killed;
    await Promise.all(running.map(({ ended }) => ended));
  }

  /** Whether this server has time for what no turn needs yet. */
  get hasTime(): boolean {
    return this.canStart && this.counts.pending === 0;
  }

  /** Whether turns may start here. */
  private get canStart(): boolean {
    return !this.draining && this.node.isActive;
  }

  private startRunnable(): void {
    while (this.canStart) {
      const pending = this.#queue.dequeue();
      if (pending === undefined) return;
      this.start(pending, false);
    }
  }

  /** @param isClaimed this process has stored the turn as running, so it needs no claim. */
  private start(pending: PendingTurn, isClaimed: boolean): void {
    const { thread, turn } = pending;
    const run = new TurnRun(thread, turn, this.#context);
    if (pending.isCancelled || turn.interruptedAt !== undefined) run.interrupt();
    // One reaction instead of `catch` and `finally`, which hold half a kilobyte for as long as the turn runs.
    const ended = (isClaimed ? run.run(turn, thread) : this.claimAndRun(run, pending)).then(
      () => this.noteOver(turn),
      (error: unknown) => this.noteNotRun(thread, turn, error),
    );
    this.#queue.setRunning(thread, { run, ended });
  }

  private noteNotRun(thread: Thread, turn: Turn, error: unknown): void {
    this.logger.error({ turnId: turn.id, err: error }, 'failed to run a turn; it will be retried');
    this.log.abandon(turn.id, error instanceof Error ? error : new Error(String(error)));
    void this.resubmitWithBackoff(thread, turn.id);
    this.noteOver(turn);
  }

  private noteOver(turn: Turn): void {
    this.#queue.clearRunning(turn.threadId);
    this.#turnIds.delete(turn.id);
    this.mcpServers.forget(turn.id);
    this.startRunnable();
  }

  private async claimAndRun(run: TurnRun, { thread: queuedThread, turn }: PendingTurn): Promise<void> {
    const claimed =
      turn.state === 'running' ? await this.reclaim(turn) : await this.turns.claim(turn.id, this.claimant());
    if (claimed === undefined) {
      this.logger.warn({ turnId: turn.id }, 'failed to claim a turn: it was cancelled, or its thread is busy');
      void this.resubmitWithBackoff(queuedThread, turn.id);
      return;
    }
    // Earlier turns in the queue may have changed the thread's session id and context usage.
    const thread = (await this.threads.byId(turn.threadId)) ?? queuedThread;
    if (claimed.interruptedAt !== undefined) run.interrupt();
    await run.run(claimed, thread);
  }

  /** One line per turn in the log, without anything that was said in it. */
  private noteEnd({ id: threadId, tenant }: Thread, turn: Turn, ended: EndedTurn): void {
    const { runMs, firstEventMs, ...details } = ended;
    const times = { runMs: Math.round(runMs), firstEventMs: firstEventMs && Math.round(firstEventMs) };
    this.logger.log({ tenant, threadId, ...toLogFields(turn), ...details, ...times }, 'a turn has ended');
    this.#ended$.next(ended);
  }

  private reclaim(turn: Turn): Promise<Turn | undefined> {
    return this.turns.reclaim(turn.id, { ...this.claimant(), fromAttempt: turn.attempt });
  }

  private claimant(): Claimant {
    return { owner: this.node.id, now: this.clock.now() };
  }

  /** Submits an accepted turn again that failed to run because of the store or another process. Retries until it is loaded. */
  private async resubmitWithBackoff(thread: Thread, turnId: string): Promise<void> {
    for (let delayMs = INITIAL_BACKOFF_MS; this.canStart; delayMs = Math.min(2 * delayMs, MAX_BACKOFF_MS)) {
      await wait(delayMs, undefined, { ref: false });
      try {
        const turn = await this.turns.byId(turnId);
        const current = await this.threads.nodeOf(thread.id);
        // Another server may have the thread by now.
        if (turn === undefined || current?.node !== thread.node || hasEnded(turn.state)) return;
        if (this.canStart) this.submit(thread, turn);
        return;
      } catch (error) {
        this.logger.error({ turnId, err: error }, 'failed to load a turn for its retry');
      }
    }
  }

  private tick(): void {
    const nowMs = performance.now();
    for (const { run } of this.#queue.running) run.tick(nowMs);
  }
}
