import { Inject, Injectable, Logger } from '@nestjs/common';
import { AppConfig } from '../../config/app-config.js';
import { readMachineMemory } from '../../sandbox/limits/machine-memory.js';
import { Sandbox } from '../../sandbox/sandbox.js';
import { SnapshotKeeper } from '../../snapshots/snapshot-keeper.js';
import type { SnapshotVersion } from '../../snapshots/thread-snapshots.js';
import type { HarnessSession } from '../harness.js';
import { SessionOpener } from '../session-opener.js';
import { chooseEvicted, type IdleLimits, type IdleProcess } from './choose-evicted.js';

/** A conversation whose process is kept between turns. */
export interface WarmProcess {
  readonly session: HarnessSession;
  /** Identity of the folder that the process runs in; see `SessionOpener.workspaceId`. */
  readonly workspace: string | undefined;
  running: boolean;
  /** Whether its agent waits for results of the caller's tools. */
  waits: boolean;
  /** What the last turn makes of the thread's files; `undefined` if no other server needs them. */
  version: SnapshotVersion | undefined;
  /** The turn that runs, once the session has been told to run it. */
  turnId: string | undefined;
  /** How many turns it was used for. */
  turns: number;
  /** When its last turn ended. */
  idleSince: number;
  idleTimer: NodeJS.Timeout | undefined;
}

/** The part of the memory that idle processes may take if no setting says how much. */
const MEMORY_SHARE = 0.25;
/** How soon the memory is measured after a process became idle: turns that end together are measured together. */
const MEASURE_PAUSE_MS = 1_000;
/** How often it is measured while processes are idle: what an agent left in the background may grow. */
const MEASURE_MS = 60_000;

/** The processes of threads, with a turn or idle, and which of the idle ones are kept. */
@Injectable()
export class WarmProcesses {
  readonly #logger = new Logger(WarmProcesses.name);
  readonly #processes = new Map<string, WarmProcess>();
  /** Processes that are stopping. A new one must wait: two processes of one conversation would write to the same files. */
  readonly #stopping = new Map<string, Promise<void>>();
  /** What each idle process took when it was measured last. */
  #bytes: ReadonlyMap<string, number> = new Map();
  #timer: NodeJS.Timeout | undefined;
  #dueAt = 0;
  #isMeasuring = false;
  readonly #limits: IdleLimits;

  constructor(
    @Inject(Sandbox) private readonly sandbox: Sandbox,
    @Inject(AppConfig) config: AppConfig,
    private readonly keeper: SnapshotKeeper,
    private readonly opener: SessionOpener,
  ) {
    const { maxWarmHarnesses, warmMemoryBytes } = config;
    const bytes = warmMemoryBytes === 'auto' ? readMachineMemory() * MEMORY_SHARE : warmMemoryBytes;
    this.#limits = { processes: maxWarmHarnesses, bytes };
  }

  /** The process of a thread; `undefined` if it has none. */
  get(threadId: string): WarmProcess | undefined {
    return this.#processes.get(threadId);
  }

  /** Every process. */
  get all(): readonly WarmProcess[] {
    return [...this.#processes.values()];
  }

  /** Adds the process of a thread that has none. */
  add(
    threadId: string,
    opened: Pick<WarmProcess, 'session' | 'workspace'>,
    more: Partial<WarmProcess> = {},
  ): WarmProcess {
    const { session, workspace } = opened;
    const process: WarmProcess = {
      session,
      workspace,
      running: false,
      waits: false,
      version: undefined,
      turnId: undefined,
      turns: 0,
      idleSince: 0,
      idleTimer: undefined,
      ...more,
    };
    this.#processes.set(threadId, process);
    return process;
  }

  /** Whether another process can be kept idle without one that ends for it. */
  get hasRoom(): boolean {
    const idle = this.#idle;
    const bytes = idle.reduce((sum, each) => sum + each.bytes, 0);
    return idle.length < this.#limits.processes && bytes < this.#limits.bytes;
  }

  /** Keeps a process without a turn for so long, and ends the least likely to be needed above the limits. */
  keepIdle(threadId: string, process: WarmProcess, idleMs: number): void {
    process.idleSince = performance.now();
    process.idleTimer = setTimeout(() => this.evict(threadId, process), idleMs);
    process.idleTimer.unref();
    this.#evictAboveLimits();
    this.#measureIn(MEASURE_PAUSE_MS);
  }

  /** Stops a process in the background, unless its thread has another one by now. */
  evict(threadId: string, process: WarmProcess): void {
    clearTimeout(process.idleTimer);
    if (this.#processes.get(threadId) !== process) return;
    this.#processes.delete(threadId);
    const stopping = this.opener
      .close(threadId, process.session)
      .catch((error: unknown) => this.#logger.error({ threadId, err: error }, 'failed to stop a harness process'))
      .finally(() => {
        if (this.#stopping.get(threadId) === stopping) this.#stopping.delete(threadId);
        // Again: what ran in the background has ended now.
        if (process.version !== undefined) this.keeper.putAway(threadId, process.version);
      });
    this.#stopping.set(threadId, stopping);
  }

  /** Resolves when no process of the thread is stopping any more. */
  async stopped(threadId: string): Promise<void> {
    await this.#stopping.get(threadId);
  }

  /** Stops a thread's process, even during a turn. Resolves when it has exited. */
  async stop(threadId: string): Promise<void> {
    const process = this.#processes.get(threadId);
    if (process !== undefined) this.evict(threadId, process);
    await this.stopped(threadId);
  }

  /** Stops every process. Resolves when they have exited. */
  async stopAll(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await Promise.all([...this.#processes.keys(), ...this.#stopping.keys()].map((threadId) => this.stop(threadId)));
  }

  #evictAboveLimits(): void {
    for (const threadId of chooseEvicted(this.#idle, this.#limits)) {
      const process = this.#processes.get(threadId);
      if (process !== undefined) this.evict(threadId, process);
    }
  }

  get #idle(): readonly IdleProcess[] {
    const now = performance.now();
    return [...this.#processes]
      .filter(([, process]) => !process.running)
      .map(([threadId, { idleSince, turns, waits }]) => {
        return { threadId, idleMs: now - idleSince, turns, waits, bytes: this.#bytes.get(threadId) ?? 0 };
      });
  }

  /** Measures the idle processes in so many milliseconds, unless that happens sooner. */
  #measureIn(ms: number): void {
    const dueAt = performance.now() + ms;
    if (this.#timer !== undefined && this.#dueAt <= dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = dueAt;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#measure();
    }, ms);
    this.#timer.unref();
  }

  async #measure(): Promise<void> {
    const threadIds = this.#idle.map(({ threadId }) => threadId);
    if (threadIds.length === 0) return;
    if (!this.#isMeasuring) {
      this.#isMeasuring = true;
      try {
        this.#bytes = await this.sandbox.memoryBytes(threadIds);
        this.#evictAboveLimits();
      } catch (error) {
        this.#logger.warn({ err: error }, 'failed to measure the memory of idle agents');
      } finally {
        this.#isMeasuring = false;
      }
    }
    this.#measureIn(MEASURE_MS);
  }
}
