import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { setTimeout as wait } from 'node:timers/promises';
import { type Observable, Subject } from 'rxjs';
import { AppConfig } from '../../config/app-config.js';
import { HarnessGateway } from '../../harness/harness.gateway.js';
import { EventLog } from '../../storage/event-log/event-log.js';
import { type Thread, ThreadStore } from '../../storage/stores/thread.store.js';
import { hasEnded, type Turn } from '../../storage/stores/turn.js';
import { type Lease, TurnStore } from '../../storage/stores/turn.store.js';
import { ThreadMemory } from '../memory/thread-memory.js';
import { Drain } from './drain.js';
import { LeaseService } from './lease.service.js';
import { readMaxDuration } from './max-duration.js';
import { type PendingTurn, RunQueue, type RunnerCounts } from './run-queue.js';
import { TurnRun } from './turn-run.js';

/** How often running turns are checked for having become too long or too silent, in milliseconds. */
const TICK_MS = 1000;
/** How long a turn that could not be run waits for its next try, at first and at most, in milliseconds. */
const INITIAL_BACKOFF_MS = 1000;
const MAX_BACKOFF_MS = 30_000;

/** A slot for one more running turn. */
export interface RunSlot {
  /** To be stored with the turn. */
  readonly lease: Lease;
  /** Gives the slot back, unless a turn has been submitted for it. Safe to call again. */
  release(): void;
}

/** A turn that has been started here, from its claim to its stored end. */
interface RunningTurn {
  readonly run: TurnRun;
  readonly ended: Promise<void>;
}

/**
 * Runs the turns of this process: one at a time per thread, in their order, and as many at once as the deployment allows.
 *
 * submit → ({@link RunQueue}) → start → claim → run ({@link TurnRun}) → end; a turn that could not be run is submitted again later.
 */
@Injectable()
export class TurnRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(TurnRunner.name);
  readonly #queue: RunQueue<RunningTurn>;
  readonly #drain = new Drain();
  readonly #submitted$ = new Subject<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly gateway: HarnessGateway,
    private readonly log: EventLog,
    private readonly threads: ThreadStore,
    private readonly turns: TurnStore,
    private readonly leases: LeaseService,
    private readonly memory: ThreadMemory,
  ) {
    this.#queue = new RunQueue(config.maxConcurrentTurns);
  }

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => this.tick(), TICK_MS).unref();
  }

  /** True once the server is about to stop: it takes on no more turns. */
  get draining(): boolean {
    return this.#drain.hasBegun;
  }

  get counts(): RunnerCounts {
    return this.#queue.counts;
  }

  /** Whether another turn would have to wait for one that runs. */
  get isFull(): boolean {
    return this.#queue.isFull;
  }

  /** The thread of each turn that is taken on, from now on. Never completes. */
  get submitted$(): Observable<string> {
    return this.#submitted$;
  }

  /** The turns of a thread that wait for their start. */
  pendingCount(threadId: string): number {
    return this.#queue.pendingOf(threadId).length;
  }

  /**
   * A slot for a turn of this thread that can start at once, so that it need not be queued first; `undefined` when it has to
   * wait. The slot is taken until the turn is submitted, or the slot is released because there is none.
   */
  reserveSlot(threadId: string): RunSlot | undefined {
    if (this.draining || !this.#queue.reserve(threadId)) return undefined;
    const release = (): void => {
      if (this.#queue.release(threadId)) this.startRunnable();
    };
    return { lease: this.leases.lease(), release };
  }

  /**
   * Takes on a turn that is stored as queued, or as running: by this process in a slot that was reserved for it, or by one
   * that is gone.
   */
  submit(thread: Thread, turn: Turn): void {
    const pending: PendingTurn = { thread, turn, isCancelled: false };
    const hasSlot = this.#queue.release(turn.threadId) && turn.state === 'running' && !this.draining;
    if (hasSlot) this.start(pending, true);
    else this.#queue.enqueue(pending);
    this.#submitted$.next(turn.threadId);
    this.startRunnable();
  }

  /** Interrupts a turn, or takes it out of the queue. False when it is neither running nor waiting here. */
  async interrupt(turn: Pick<Turn, 'id' | 'threadId'>): Promise<boolean> {
    const running = this.#queue.runningOf(turn.threadId);
    if (running?.run.turnId === turn.id) {
      running.run.interrupt();
      return true;
    }
    const pending = this.#queue.findPending(turn.id);
    if (pending === undefined) return false;
    if (pending.turn.state === 'running') {
      // An earlier server had begun with it, and its events are in the log: it ends like a running one.
      this.#queue.markCancelled(pending);
      return true;
    }
    this.#queue.removePending(pending);
    const cancelled = await this.turns.cancelQueued(turn.id, { now: Date.now(), failure: undefined });
    this.log.wakeReaders(turn.id);
    return cancelled;
  }

  /** Interrupts the running turn of a thread and cancels those that wait. Resolves when nothing of it runs. */
  async stopThread(threadId: string): Promise<void> {
    for (const { turn } of this.#queue.pendingOf(threadId)) await this.interrupt(turn);
    const running = this.#queue.runningOf(threadId);
    running?.run.interrupt();
    await this.gateway.stop(threadId);
    await running?.ended;
  }

  /** Does not wait for running turns when the server drains, now or later; for an operator who is in a hurry. */
  skipDrain(): void {
    this.#drain.skip();
  }

  /**
   * The server stops: running turns get `CHIRON_DRAIN_SECONDS` to end. Those left are handed off to the next server, which
   * resumes them, and their processes are stopped.
   */
  async beforeApplicationShutdown(): Promise<void> {
    await this.#drain.run(
      this.#queue.running.map(({ ended }) => ended),
      this.config.drainMs,
    );
    clearInterval(this.#timer);
    const left = this.#queue.running;
    for (const { run } of left) run.handOff();
    await Promise.all(left.map(({ ended }) => ended));
    // Readers of a turn that has not begun get their end now, while their connections are still open.
    await this.log.completeReaders();
    await this.gateway.stopAll();
  }

  private startRunnable(): void {
    while (!this.draining) {
      const pending = this.#queue.dequeue();
      if (pending === undefined) return;
      this.start(pending, false);
    }
  }

  /** @param isClaimed the turn was stored as running by this process, so that it need not be claimed. */
  private start(pending: PendingTurn, isClaimed: boolean): void {
    const { thread, turn } = pending;
    const run = this.createRun(pending);
    if (pending.isCancelled) run.interrupt();
    const ended = (isClaimed ? run.run(turn, thread) : this.claimAndRun(run, pending))
      .catch((error: unknown) => {
        this.logger.error({ turnId: turn.id, err: error }, 'a turn could not be run; it is tried again');
        this.log.abandon(turn.id, error instanceof Error ? error : new Error(String(error)));
        void this.resubmitWithBackoff(thread, turn.id);
      })
      .finally(() => {
        this.#queue.clearRunning(turn.threadId);
        this.startRunnable();
      });
    this.#queue.setRunning(turn.threadId, { run, ended });
  }

  private createRun({ thread, turn }: PendingTurn): TurnRun {
    const { turnTimeoutMs, harnessStallMs } = this.config;
    return new TurnRun(thread, turn, {
      gateway: this.gateway,
      log: this.log,
      threads: this.threads,
      limits: { maxDurationMs: readMaxDuration(turn), turnTimeoutMs, harnessStallMs },
      reclaim: (dead) => this.reclaim(dead),
      recall: (one) => this.memory.digest(one.threadId, one.sequence),
    });
  }

  private async claimAndRun(run: TurnRun, { thread: queuedThread, turn }: PendingTurn): Promise<void> {
    const claimed =
      turn.state === 'running' ? await this.reclaim(turn) : await this.turns.claim(turn.id, this.leases.lease());
    if (claimed === undefined) {
      this.logger.warn({ turnId: turn.id }, 'a turn could not be claimed: it was cancelled, or another one runs');
      void this.resubmitWithBackoff(queuedThread, turn.id);
      return;
    }
    // The turns that were before this one in the queue may have given the thread its session and its context.
    const thread = (await this.threads.byId(turn.threadId)) ?? queuedThread;
    await run.run(claimed, thread);
  }

  private reclaim(turn: Turn): Promise<Turn | undefined> {
    return this.turns.reclaim(turn.id, { ...this.leases.lease(), fromAttempt: turn.attempt });
  }

  /**
   * Submits a turn again that could not be run, because of the store or of another process: its caller was promised that it runs. It
   * is looked up until it has ended or can be submitted.
   */
  private async resubmitWithBackoff(thread: Thread, turnId: string): Promise<void> {
    for (let delay = INITIAL_BACKOFF_MS; !this.draining; delay = Math.min(2 * delay, MAX_BACKOFF_MS)) {
      await wait(delay, undefined, { ref: false });
      try {
        const turn = await this.turns.byId(turnId);
        if (turn !== undefined && !hasEnded(turn.state) && !this.draining) this.submit(thread, turn);
        return;
      } catch (error) {
        this.logger.error({ turnId, err: error }, 'a turn that is to be tried again could not be looked up');
      }
    }
  }

  private tick(): void {
    const now = performance.now();
    for (const { run } of this.#queue.running) run.tick(now);
  }
}
