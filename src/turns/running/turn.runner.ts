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
import { TurnStore } from '../../storage/stores/turn.store.js';
import { LeaseService } from './lease.service.js';
import { readMaxDuration } from './max-duration.js';
import type { RunSlot, RunnerCounts, PendingTurn } from './run-slot.js';
import { ThreadMemory } from '../memory/thread-memory.js';
import { TurnRun, type TurnRunContext } from './turn-run.js';

/** How often running turns are looked at for having become too long or too silent, in milliseconds. */
const TICK_MS = 1000;
/** How long a turn that could not be run waits for its next try, at first and at most, in milliseconds. */
const INITIAL_BACKOFF_MS = 1000;
const MAX_BACKOFF_MS = 30_000;

/** Runs the turns of this process: one at a time per thread, in their order, and so many at once as the deployment allows. */
@Injectable()
export class TurnRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(TurnRunner.name);
  readonly #pending: PendingTurn[] = [];
  /** Running turns by thread. */
  readonly #running = new Map<string, { readonly run: TurnRun; readonly ended: Promise<void> }>();
  /** Threads for whose turn a place is kept. */
  readonly #reserved = new Set<string>();
  /** Turns of an earlier server that are to end without being resumed. */
  readonly #cancelled = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  readonly #submitted$ = new Subject<string>();
  #draining = false;
  /** Aborted when running turns are not waited for any longer. */
  readonly #drainTimeout = new AbortController();

  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly gateway: HarnessGateway,
    private readonly log: EventLog,
    private readonly threads: ThreadStore,
    private readonly turns: TurnStore,
    private readonly leases: LeaseService,
    private readonly memory: ThreadMemory,
  ) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => this.tick(), TICK_MS).unref();
  }

  /** True once the server is about to stop: nothing new is taken on. */
  get draining(): boolean {
    return this.#draining;
  }

  get counts(): RunnerCounts {
    return { running: this.#running.size, pending: this.#pending.length };
  }

  /** The thread of each turn that is taken on, from now on. Never completes. */
  get submitted$(): Observable<string> {
    return this.#submitted$;
  }

  /** The turns of a thread that wait for their start. */
  pendingCount(threadId: string): number {
    return this.#pending.filter((waiting) => waiting.turn.threadId === threadId).length;
  }

  /**
   * A place for a turn of this thread that can start at once, so that it need not be queued first; `undefined` when it has to
   * wait. The place is taken until the turn is submitted, or the place released as there is none.
   */
  reserveSlot(threadId: string): RunSlot | undefined {
    const isTaken = this.#running.has(threadId) || this.#reserved.has(threadId) || this.pendingCount(threadId) > 0;
    if (this.#draining || isTaken || this.isFull) return undefined;
    this.#reserved.add(threadId);
    const release = (): void => {
      if (this.#reserved.delete(threadId)) this.startRunnable();
    };
    return { lease: this.leases.lease(), release };
  }

  /**
   * Takes on a turn that is stored as queued, or as running: by this process in a place that was reserved for it, or by one
   * that is gone.
   */
  submit(thread: Thread, turn: Turn): void {
    const hasPlace = this.#reserved.delete(turn.threadId) && turn.state === 'running' && !this.#draining;
    if (hasPlace) this.start({ thread, turn }, true);
    else this.#pending.push({ thread, turn });
    this.#submitted$.next(turn.threadId);
    this.startRunnable();
  }

  /** Interrupts a turn, or takes it out of the queue. False when it is neither running nor waiting here. */
  async interrupt(turn: Pick<Turn, 'id' | 'threadId'>): Promise<boolean> {
    const running = this.#running.get(turn.threadId);
    if (running?.run.turnId === turn.id) {
      running.run.interrupt();
      return true;
    }
    const index = this.#pending.findIndex((waiting) => waiting.turn.id === turn.id);
    if (index === -1) return false;
    if (this.#pending[index]?.turn.state === 'running') {
      // An earlier server had begun with it: it ends as interrupted as soon as there is a place for it.
      this.#cancelled.add(turn.id);
      return true;
    }
    this.#pending.splice(index, 1);
    const cancelled = await this.turns.cancelQueued(turn.id, { now: Date.now(), failure: undefined });
    this.log.wakeReaders(turn.id);
    return cancelled;
  }

  /** Interrupts whatever a thread does and forgets what it was to do. Resolves when nothing of it runs. */
  async stopThread(threadId: string): Promise<void> {
    for (const { turn } of this.#pending.filter((waiting) => waiting.turn.threadId === threadId)) {
      await this.interrupt(turn);
    }
    const running = this.#running.get(threadId);
    running?.run.interrupt();
    await this.gateway.stop(threadId);
    await running?.ended;
  }

  /** Does not wait for running turns when the server drains, now or later; for an operator who is in a hurry. */
  skipDrain(): void {
    this.#drainTimeout.abort();
  }

  /**
   * The server stops: running turns get `CHIRON_DRAIN_SECONDS` to end. Those left are set aside for the next server to
   * resume, and their processes are stopped.
   */
  async beforeApplicationShutdown(): Promise<void> {
    this.#draining = true;
    const allEnded = Promise.all([...this.#running.values()].map((running) => running.ended));
    const { signal } = this.#drainTimeout;
    const drainTimedOut = wait(this.config.drainMs, undefined, { signal }).catch(() => undefined);
    await Promise.race([allEnded, drainTimedOut]);
    this.#drainTimeout.abort();
    clearInterval(this.#timer);
    for (const { run } of this.#running.values()) run.handOff();
    await Promise.all([...this.#running.values()].map((running) => running.ended));
    // Those who wait for a turn that has not begun are told now, while their connections are still there.
    await this.log.completeReaders();
    await this.gateway.stopAll();
  }

  /** Whether another turn would have to wait for one that runs. */
  get isFull(): boolean {
    return this.#running.size + this.#reserved.size >= this.config.maxConcurrentTurns;
  }

  private startRunnable(): void {
    for (let index = 0; index < this.#pending.length;) {
      if (this.#draining || this.isFull) return;
      const waiting = this.#pending[index];
      if (waiting === undefined || this.#running.has(waiting.turn.threadId)) {
        index += 1;
        continue;
      }
      this.#pending.splice(index, 1);
      this.start(waiting, false);
    }
  }

  private start({ thread, turn }: PendingTurn, isClaimed: boolean): void {
    const context: TurnRunContext = {
      gateway: this.gateway,
      log: this.log,
      threads: this.threads,
      reclaim: (dead) => this.turns.reclaim(dead.id, { ...this.leases.lease(), fromAttempt: dead.attempt }),
      recall: (one) => this.memory.digest(one.threadId, one.sequence),
      turnTimeoutMs: this.config.turnTimeoutMs,
      maxDurationMs: readMaxDuration(turn),
      harnessStallMs: this.config.harnessStallMs,
    };
    const run = new TurnRun(thread, turn, context);
    if (this.#cancelled.delete(turn.id)) run.interrupt();
    const ended = this.claimAndRun(run, turn, thread, isClaimed)
      .catch((error: unknown) => {
        this.logger.error({ turnId: turn.id, err: error }, 'a turn could not be run; it is tried again');
        this.log.abandon(turn.id, error instanceof Error ? error : new Error(String(error)));
        void this.resubmitWithBackoff(thread, turn.id);
      })
      .finally(() => {
        this.#running.delete(turn.threadId);
        this.startRunnable();
      });
    this.#running.set(turn.threadId, { run, ended });
  }

  private async claimAndRun(run: TurnRun, turn: Turn, queuedThread: Thread, isClaimed: boolean): Promise<void> {
    if (isClaimed) {
      await run.run(turn, queuedThread);
      return;
    }
    const claimed =
      turn.state === 'running'
        ? await this.turns.reclaim(turn.id, { ...this.leases.lease(), fromAttempt: turn.attempt })
        : await this.turns.claim(turn.id, this.leases.lease());
    if (claimed === undefined) {
      this.logger.warn({ turnId: turn.id }, 'a turn was not to be had: it was cancelled, or another one runs');
      void this.resubmitWithBackoff(queuedThread, turn.id);
      return;
    }
    // The thread may have got its session, and its context, from the turns that were before this one in the queue.
    const thread = (await this.threads.byId(turn.threadId)) ?? queuedThread;
    await run.run(claimed, thread);
  }

  /**
   * A turn that was taken on is run, however long the store or another process stands in the way: it is looked up until it has
   * ended or can be submitted again.
   */
  private async resubmitWithBackoff(thread: Thread, turnId: string): Promise<void> {
    for (let delay = INITIAL_BACKOFF_MS; !this.#draining; delay = Math.min(2 * delay, MAX_BACKOFF_MS)) {
      await wait(delay, undefined, { ref: false });
      try {
        const turn = await this.turns.byId(turnId);
        if (turn !== undefined && !hasEnded(turn.state) && !this.#draining) this.submit(thread, turn);
        return;
      } catch (error) {
        this.logger.error({ turnId, err: error }, 'a turn that is to be tried again could not be looked up');
      }
    }
  }

  private tick(): void {
    const now = performance.now();
    for (const { run } of this.#running.values()) run.tick(now);
  }
}
