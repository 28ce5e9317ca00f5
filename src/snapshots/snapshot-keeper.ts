import { setTimeout as wait } from 'node:timers/promises';
import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Sandbox } from '../sandbox/sandbox.js';
import type { CurrentSnapshot } from '../storage/stores/snapshot.store.js';
import type { LocalNotes } from './local-notes.js';
import { SaveQueue } from './save-queue.js';
import { SnapshotError } from './thread-snapshots.js';
import type { RestoredSnapshot, SnapshotName, SnapshotVersion, ThreadSnapshots } from './thread-snapshots.js';

/** Which snapshot has a thread's files, for all servers: the threads' rows. */
export interface SnapshotRows {
  /** `undefined` if there is no such thread. */
  current(threadId: string): Promise<CurrentSnapshot | undefined>;
  /** False, and nothing changed, if another one than `previous` is current, or if the thread was given to another server after `generation`. */
  set(threadId: string, previous: SnapshotName | undefined, next: SnapshotName, generation: number): Promise<boolean>;
}

/** What a keeper works with. */
export interface KeeperParts {
  readonly snapshots: ThreadSnapshots;
  readonly rows: SnapshotRows;
  readonly notes: LocalNotes;
  readonly sandbox: Pick<Sandbox, 'files'>;
  /** See {@link SaveQueue}. */
  readonly settleMs?: number;
  /** Delays before a failed fetch is tried again. */
  readonly retryMs?: readonly number[];
}

/** With those of the store's client, about a minute. */
const RESTORE_RETRY_MS = [1000, 4000, 10_000, 20_000];

/** How often the store is searched for what nobody needs. */
const PRUNE_INTERVAL_MS = 6 * 3_600_000;

/**
 * Keeps threads' files in snapshots, so that any server can go on with a thread: fetches them before an agent starts, and saves them after its turns, in the
 * background. Without parts it does nothing, for a deployment whose threads' files stay where they are.
 */
export class SnapshotKeeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(SnapshotKeeper.name);
  readonly #queue: SaveQueue<SnapshotVersion>;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly parts?: KeeperParts) {
    this.#queue = new SaveQueue(
      (threadId, version) => this.#save(threadId, version),
      (threadId, error) =>
        this.logger.error({ threadId, err: error }, 'failed to save the files of a thread; it is tried again'),
      parts?.settleMs,
    );
  }

  /** Rejects if the store cannot be used as it is configured. */
  async check(): Promise<void> {
    await this.parts?.snapshots.check();
  }

  /** Prunes the store from time to time. */
  onApplicationBootstrap(): void {
    if (this.parts !== undefined) this.#timer ??= setInterval(() => void this.prune(), PRUNE_INTERVAL_MS).unref();
  }

  /**
   * Whether the thread's folders on this machine have all that its current snapshot has. They may have more. Rejects when the store of rows cannot be
   * reached.
   */
  async isCurrent(threadId: string): Promise<boolean> {
    return (await this.#findNewer(threadId)) === undefined;
  }

  /**
   * Fetches the thread's files if its folders are not here, or older than its snapshot. Resolves to what they were made from; `undefined` if they
   * were current, or if the thread has no snapshot. The thread's processes must be stopped before. Rejects when the files cannot be fetched; the
   * folders are then as they were.
   */
  async bringIn(threadId: string): Promise<RestoredSnapshot | undefined> {
    const { parts } = this;
    if (parts === undefined || (await this.#findNewer(threadId)) === undefined) return undefined;
    // It would read what is replaced now, and what it saves could not become current.
    await this.#queue.drop(threadId);
    const newer = await this.#findNewer(threadId);
    if (newer === undefined) return undefined;
    const restored = await this.#restore(parts, threadId, newer);
    await parts.notes.setOrigin(threadId, { snapshot: newer, pending: undefined });
    this.logger.log({ threadId, snapshot: newer, has: restored.extent }, 'fetched the files of a thread');
    return restored;
  }

  /** Saves the thread's files soon; for a turn that has ended or was broken off. Returns at once. Failures are logged, and tried again. */
  putAway(threadId: string, version: SnapshotVersion): void {
    if (this.parts !== undefined) this.#queue.add(threadId, version);
  }

  /** Saves what waits, without its delay. Resolves when nothing is left to save, or could not be saved. Never rejects. */
  async flush(): Promise<void> {
    const unsaved = await this.#queue.flush();
    if (unsaved > 0)
      this.logger.error({ threads: unsaved }, 'the server stops with files of threads that could not be saved');
  }

  /** Removes all snapshots of a thread. Rejects if something may be left. */
  async remove(threadId: string): Promise<void> {
    if (this.parts === undefined) return;
    await this.#queue.drop(threadId);
    await this.parts.snapshots.remove(threadId);
    await this.parts.notes.remove(threadId);
  }

  /** Removes from the store what no thread needs any more. Failures are logged; never rejects. */
  async prune(): Promise<void> {
    const { parts } = this;
    try {
      await parts?.snapshots.prune(async (threadId) => (await parts.rows.current(threadId))?.snapshot);
    } catch (error) {
      this.logger.error({ err: error }, 'failed to prune the snapshots of threads');
    }
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  /** Tries it again while the store cannot be reached: the turn that waits for the files was accepted. */
  async #restore({ snapshots }: KeeperParts, threadId: string, snapshot: SnapshotName): Promise<RestoredSnapshot> {
    for (const delayMs of this.parts?.retryMs ?? RESTORE_RETRY_MS) {
      try {
        return await snapshots.restore(threadId, snapshot);
      } catch (error) {
        if (error instanceof SnapshotError) throw error;
        this.logger.warn({ threadId, err: error }, 'failed to fetch the files of a thread; it is tried again');
        await wait(delayMs);
      }
    }
    return snapshots.restore(threadId, snapshot);
  }

  /** The thread's snapshot, if its folders here lack something that this has. */
  async #findNewer(threadId: string): Promise<SnapshotName | undefined> {
    const { parts } = this;
    const snapshot = (await parts?.rows.current(threadId))?.snapshot;
    if (parts === undefined || snapshot === undefined) return undefined;
    const origin = await parts.notes.origin(threadId);
    if (origin.snapshot !== snapshot && origin.pending !== snapshot) return snapshot;
    return (await parts.sandbox.files(threadId).stat('home')) === undefined ? snapshot : undefined;
  }

  async #save(threadId: string, version: SnapshotVersion): Promise<void> {
    const { parts } = this;
    if (parts === undefined) return;
    const row = await parts.rows.current(threadId);
    // Removed meanwhile, the thread or its folders.
    if (row === undefined || (await parts.sandbox.files(threadId).stat('home')) === undefined) return;
    const previous = row.snapshot;
    if (row.generation !== version.generation || !(await this.isCurrent(threadId))) {
      this.logger.warn({ threadId }, 'did not save the files of a thread: another server has it');
      return;
    }
    const name = parts.snapshots.name(version);
    // First: the row may name it although this server does not learn that any more.
    await parts.notes.setOrigin(threadId, { snapshot: previous, pending: name });
    const saved = await parts.snapshots.save(threadId, name, version, previous);
    if (!(await parts.rows.set(threadId, previous, name, version.generation))) {
      this.logger.warn({ threadId }, 'did not save the files of a thread: another server has it now');
      return;
    }
    await parts.notes.setOrigin(threadId, { snapshot: name, pending: undefined });
    this.logger.debug(
      { threadId, snapshot: name, has: saved.extent, sentBytes: saved.sentBytes },
      'saved the files of a thread',
    );
  }
}
