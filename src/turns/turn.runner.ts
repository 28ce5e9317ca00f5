import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { type Observable, Subject } from 'rxjs';
import { AppConfig } from '../config/app-config.js';
import { HarnessGateway } from '../harness/harness.gateway.js';
import { EventLog } from '../storage/event-log.js';
import { type Thread, ThreadStore } from '../storage/thread.store.js';
import type { Turn } from '../storage/turn.js';
import { type Lease, TurnStore } from '../storage/turn.store.js';
import { maxDurationOf } from './max-duration.js';
import type { Place, RunnerCounts, Waiting } from './place.js';
import { TurnRun, type TurnRunContext } from './turn-run.js';

/** How long this process may be silent before another may take its turns, in milliseconds. */
const LEASE = 60_000;
const LEASE_RENEWAL = 20_000;
/** How often running turns are looked at for having become too long or too silent, in milliseconds. */
const TICK = 1000;
/** How often old events are looked for, in milliseconds. */
const PRUNE = 3_600_000;

/** Runs the turns of this process: one at a time per thread, in their order, and so many at once as the deployment allows. */
@Injectable()
export class TurnRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(TurnRunner.name);
  private readonly owner = randomUUID();
  readonly #waiting: Waiting[] = [];
  /** Running turns by thread. */
  readonly #running = new Map<string, { readonly run: TurnRun; readonly ended: Promise<void> }>();
  /** Threads for whose turn a place is kept. */
  readonly #reserved = new Set<string>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #submitted$ = new Subject<string>();
  #draining = false;
  #hurry: () => void = () => undefined;

  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly gateway: HarnessGateway,
    private readonly log: EventLog,
    private readonly threads: ThreadStore,
    private readonly turns: TurnStore,
  ) {}

  onApplicationBootstrap(): void {
    this.every(TICK, () => this.tick());
    this.every(LEASE_RENEWAL, () => void this.renewLeases());
    this.every(PRUNE, () => void this.prune());
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
    return { lease: this.lease(), release };
  }

  /**
   * Takes on a turn that is stored as queued, or as running: by this process in a place that was reserved for it, or by one
   * that is gone.
   */
  submit(thread: Thread, turn: Turn): void {
    const hasPlace = this.#reserved.delete(turn.threadId) && turn.owner === this.owner;
    if (hasPlace) this.start({ thread, turn });
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

  /** Stops waiting for running turns while the server drains; for an operator who is in a hurry. */
  hurry(): void {
    this.#hurry();
  }

  /**
   * The server stops: running turns get `CHIRON_DRAIN_SECONDS` to end. Those left are set aside for the next server to
   * resume, and their processes are stopped.
   */
  async beforeApplicationShutdown(): Promise<void> {
    this.#draining = true;
    const inHurry = new Promise<void>((resolve) => (this.#hurry = resolve));
    const allEnded = Promise.all([...this.#running.values()].map((running) => running.ended));
    const patience = new AbortController();
    const outOfPatience = wait(this.config.drain, undefined, { signal: patience.signal }).catch(() => undefined);
    await Promise.race([allEnded, outOfPatience, inHurry]);
    patience.abort();
    for (const timer of this.#timers) clearInterval(timer);
    for (const { run } of this.#running.values()) run.setAside();
    await Promise.all([...this.#running.values()].map((running) => running.ended));
    // Those who wait for a turn that has not begun are told now, while their connections are still there.
    await this.log.completeReaders();
    await this.gateway.stopAll();
  }

  private get isFull(): boolean {
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
      this.start(waiting);
    }
  }

  private start({ thread, turn }: Waiting): void {
    const context: TurnRunContext = {
      gateway: this.gateway,
      log: this.log,
      threads: this.threads,
      reclaim: (dead) => this.turns.reclaim(dead.id, { ...this.lease(), fromAttempt: dead.attempt }),
      turnTimeout: this.config.turnTimeout,
      maxDuration: maxDurationOf(turn),
      harnessStall: this.config.harnessStall,
    };
    const run = new TurnRun(thread, turn, context);
    const ended = this.runClaimed(run, turn, thread)
      .catch((error: unknown) => {
        this.logger.error({ turnId: turn.id, err: error }, 'a turn could not be run');
        this.log.abandon(turn.id, error instanceof Error ? error : new Error(String(error)));
      })
      .finally(() => {
        this.#running.delete(turn.threadId);
        this.startWhatMay();
      });
    this.#running.set(turn.threadId, { run, ended });
  }

  private async runClaimed(run: TurnRun, turn: Turn, queuedThread: Thread): Promise<void> {
    if (turn.owner === this.owner) {
      await run.run(turn, queuedThread);
      return;
    }
    const claimed =
      turn.state === 'running'
        ? await this.turns.reclaim(turn.id, { ...this.lease(), fromAttempt: turn.attempt })
        : await this.turns.claim(turn.id, this.lease());
    if (claimed === undefined) {
      this.logger.warn({ turnId: turn.id }, 'a turn was not to be had: it was cancelled, or another process runs it');
      return;
    }
    // The thread may have got its session, and its context, from the turns that were before this one in the queue.
    const thread = (await this.threads.byId(turn.threadId)) ?? queuedThread;
    await run.run(claimed, thread);
  }

  private lease(): Lease {
    const now = Date.now();
    return { owner: this.owner, leaseExpiresAt: now + LEASE, now };
  }

  private async renewLeases(): Promise<void> {
    if (this.#running.size === 0) return;
    try {
      await this.turns.renewLeases(this.owner, Date.now() + LEASE);
    } catch (error) {
      this.logger.error({ err: error }, 'the leases of running turns could not be renewed');
    }
  }

  private async prune(): Promise<void> {
    try {
      await this.log.prune(Date.now() - this.config.eventRetention);
    } catch (error) {
      this.logger.error({ err: error }, 'old events could not be deleted');
    }
  }

  private tick(): void {
    const now = performance.now();
    for (const { run } of this.#running.values()) run.tick(now);
  }

  private every(milliseconds: number, action: () => void): void {
    const timer = setInterval(action, milliseconds);
    timer.unref();
    this.#timers.push(timer);
  }
}
