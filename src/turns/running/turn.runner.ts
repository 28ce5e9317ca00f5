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
import { maxDurationOf } from './max-duration.js';
import type { Place, RunnerCounts, Waiting } from './run-slot.js';
import { ThreadMemory } from '../memory/thread-memory.js';
import { TurnRun, type TurnRunContext } from './turn-run.js';

/** How often running turns are looked at for having become too long or too silent, in milliseconds. */
const TICK = 1000;
/** How long a turn that could not be run waits for its next try, at first and at most, in milliseconds. */
const FIRST_RETRY = 1000;
const LAST_RETRY = 30_000;

/** Runs the turns of this process: one at a time per thread, in their order, and so many at once as the deployment allows. */
@Injectable()
export class TurnRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(TurnRunner.name);
  readonly #waiting: Waiting[] = [];
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
  readonly #patience = new AbortController();

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
    this.#timer = setInterval(() => this.tick(), TICK).unref();
  }

  /** True once the server is about to stop: nothing new is taken on. */
  get draining(): boolean {
    return this.#draining;
  }

  get counts(): RunnerCounts {
    return { running: this.#running.size, waiting: this.#waiting.length };
  }

  /** The thread of each turn that is taken on, from now on. Never completes. */
  get submitted$(): Observable<string> {
    return this.#submitted$;
  }

  /** The turns of a thread that wait for their start. */
  waitingOf(threadId: string): number {
    return this.#waiting.filter((waiting) => waiting.turn.threadId === threadId).length;
  }

  /**
   * A place for a turn of this thread that can start at once, so that it need not be queued first; `undefined` when it has to
   * wait. The place is taken until the turn is submitted, or the place released as there is none.
   */
  reserve(threadId: string): Place | undefined {
    const isTaken = this.#running.has(threadId) || this.#reserved.has(threadId) || this.waitingOf(threadId) > 0;
    if (this.#draining || isTaken || this.isFull) return undefined;
    this.#reserved.add(threadId);
    const release = (): void => {
      if (this.#reserved.delete(threadId)) this.startWhatMay();
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
    else this.#waiting.push({ thread, turn });
    this.#submitted$.next(turn.threadId);
    this.startWhatMay();
  }

  /** Interrupts a turn, or takes it out of the queue. False when it is neither running nor waiting here. */
  async interrupt(turn: Pick<Turn, 'id' | 'threadId'>): Promise<boolean> {
    const running = this.#running.get(turn.threadId);
    if (running?.run.turnId === turn.id) {
      running.run.interrupt();
      return true;
    }
    const index = this.#waiting.findIndex((waiting) => waiting.turn.id === turn.id);
    if (index === -1) return false;
    if (this.#waiting[index]?.turn.state === 'running') {
      // An earlier server had begun with it: it ends as interrupted as soon as there is a place for it.
      this.#cancelled.add(turn.id);
      return true;
    }
    this.#waiting.splice(index, 1);
    const cancelled = await this.turns.cancelQueued(turn.id, { now: Date.now(), failure: undefined });
    this.log.changed(turn.id);
    return cancelled;
  }

  /** Interrupts whatever a thread does and forgets what it was to do. Resolves when nothing of it runs. */
  async stopThread(threadId: string): Promise<void> {
    for (const { turn } of this.#waiting.filter((waiting) => waiting.turn.threadId === threadId)) {
      await this.interrupt(turn);
    }
    const running = this.#running.get(threadId);
    running?.run.interrupt();
    await this.gateway.stop(threadId);
    await running?.ended;
  }

  /** Does not wait for running turns when the server drains, now or later; for an operator who is in a hurry. */
  hurry(): void {
    this.#patience.abort();
  }

  /**
   * The server stops: running turns get `CHIRON_DRAIN_SECONDS` to end. Those left are set aside for the next server to
   * resume, and their processes are stopped.
   */
  async beforeApplicationShutdown(): Promise<void> {
    this.#draining = true;
    const allEnded = Promise.all([...this.#running.values()].map((running) => running.ended));
    const { signal } = this.#patience;
    const outOfPatience = wait(this.config.drain, undefined, { signal }).catch(() => undefined);
    await Promise.race([allEnded, outOfPatience]);
    this.#patience.abort();
    clearInterval(this.#timer);
    for (const { run } of this.#running.values()) run.setAside();
    await Promise.all([...this.#running.values()].map((running) => running.ended));
    // Those who wait for a turn that has not begun are told now, while their connections are still there.
    await this.log.completeReaders();
    await this.gateway.stopAll();
  }

  /** Whether another turn would have to wait for one that runs. */
  get isFull(): boolean {
    return this.#running.size + this.#reserved.size >= this.config.maxConcurrentTurns;
  }

  private startWhatMay(): void {
    for (let index = 0; index < this.#waiting.length;) {
      if (this.#draining || this.isFull) return;
      const waiting = this.#waiting[index];
      if (waiting === undefined || this.#running.has(waiting.turn.threadId)) {
        index += 1;
        continue;
      }
      this.#waiting.splice(index, 1);
      this.start(waiting, false);
    }
  }

  private start({ thread, turn }: Waiting, isClaimed: boolean): void {
    const context: TurnRunContext = {
      gateway: this.gateway,
      log: this.log,
      threads: this.threads,
      reclaim: (dead) => this.turns.reclaim(dead.id, { ...this.leases.lease(), fromAttempt: dead.attempt }),
      recall: (one) => this.memory.recalled(one.threadId, one.sequence),
      turnTimeout: this.config.turnTimeout,
      maxDuration: maxDurationOf(turn),
      harnessStall: this.config.harnessStall,
    };
    const run = new TurnRun(thread, turn, context);
    if (this.#cancelled.delete(turn.id)) run.interrupt();
    const ended = this.runClaimed(run, turn, thread, isClaimed)
      .catch((error: unknown) => {
        this.logger.error({ turnId: turn.id, err: error }, 'a turn could not be run; it is tried again');
        this.log.abandon(turn.id, error instanceof Error ? error : new Error(String(error)));
        void this.tryAgain(thread, turn.id);
      })
      .finally(() => {
        this.#running.delete(turn.threadId);
        this.startWhatMay();
      });
    this.#running.set(turn.threadId, { run, ended });
  }

  private async runClaimed(run: TurnRun, turn: Turn, queuedThread: Thread, isClaimed: boolean): Promise<void> {
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
      void this.tryAgain(queuedThread, turn.id);
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
  private async tryAgain(thread: Thread, turnId: string): Promise<void> {
    for (let delay = FIRST_RETRY; !this.#draining; delay = Math.min(2 * delay, LAST_RETRY)) {
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
