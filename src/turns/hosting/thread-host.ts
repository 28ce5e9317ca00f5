import type { McpServer } from '../../domain/mcp-server.js';
import type { FirstTurnNeeds } from '../../harness/harness.js';
import type { SpareKind } from '../../harness/spares/spare-pool.js';
import type { BranchPoint, NewBranch } from '../../storage/stores/branch.store.js';
import type { Thread } from '../../storage/stores/thread.store.js';
import type { Turn } from '../../storage/stores/turn.js';
import type { StoredWith } from '../../storage/stores/turn.store.js';
import type { ServerLoad } from '../matching/admission.js';
import type { RunSlot } from '../running/run-queue.js';

/** The fields of a thread that tell whether its agent has a record. */
export type RememberingThread = Pick<Thread, 'id' | 'harness' | 'sessionId' | 'node'>;

/** Which spare process fits a new thread. */
export interface SpareRequest extends SpareKind {
  readonly needs: FirstTurnNeeds;
}

/** Where a new thread is made. */
export interface NewThreadPlace {
  /** The server; `undefined` for a lone one, or if none takes any. */
  readonly node: string | undefined;
  /** The id that the thread has to have to get the spare process that was taken for it; `undefined` for none. */
  readonly spareId: string | undefined;
}

/** A thread that was made, or that another request had made before. */
export interface MadeThread {
  readonly thread: Thread;
  readonly created: boolean;
}

/** A thread with its server, before a turn of it is stored. */
export interface PlacedThread {
  readonly thread: Thread;
  /** To be done in the transaction that stores the turn: no server takes the thread yet. */
  readonly storedWith: StoredWith | undefined;
}

/**
 * The server that has a thread's files and runs its turns, wherever it is. Each call reaches it at once, whichever server a request has
 * come to. Unless it says otherwise, a call rejects with a `ServiceError` (`unavailable`) when that server cannot be reached.
 */
export abstract class ThreadHost {
  /** How busy the thread's server is, or for a new thread the one that would get it. */
  abstract readLoad(thread: Thread | undefined): Promise<ServerLoad>;

  /**
   * Chooses the server for a new thread, and takes a spare process of an agent there if it has one that fits. A spare whose thread is not made after all
   * has to be given back with {@link releaseSpare}. Never rejects.
   *
   * @param spare `undefined` for a thread that no spare fits
   */
  abstract chooseForNew(spare: SpareRequest | undefined): Promise<NewThreadPlace>;

  /** Gives back what {@link chooseForNew} took, for a thread that was not made. Never rejects. */
  abstract releaseSpare(place: NewThreadPlace): Promise<void>;

  /** Makes a thread in the place that is chosen for it. A spare that the thread does not get is given back. */
  async makeThread(
    spare: SpareRequest | undefined,
    make: (place: NewThreadPlace) => Promise<MadeThread>,
  ): Promise<MadeThread> {
    const place = await this.chooseForNew(spare);
    try {
      const made = await make(place);
      if (made.thread.id !== place.spareId) await this.releaseSpare(place);
      return made;
    } catch (error) {
      await this.releaseSpare(place);
      throw error;
    }
  }

  /**
   * Starts the process of a thread that has none, as its caller is about to send a turn; not where turns wait, or where another process would have to
   * end for it. Rejects when the store or the thread's files cannot be read.
   */
  abstract startEarly(thread: Thread): Promise<void>;

  /** Makes sure that a living server has the thread, as far as there is one. */
  abstract place(thread: Thread): Promise<PlacedThread>;

  /** Reserves a slot for a turn that is about to be stored, if this server runs the thread; see `TurnRunner.reserveSlot`. */
  abstract reserveSlot(thread: Thread): RunSlot | undefined;

  /** Has a stored turn run. Its server also finds it by itself, so that this never rejects. */
  abstract submit(thread: Thread, turn: Turn, mcpServers?: readonly McpServer[]): Promise<void>;

  /** Interrupts a running turn or cancels a queued one, also if its server cannot be reached: the turn ends with its next attempt then. False if it has ended. */
  abstract interrupt(turn: Pick<Turn, 'id' | 'threadId'>): Promise<boolean>;

  /** Interrupts the thread's running turn and cancels its queued ones. Resolves when none of them runs. */
  abstract stopThread(threadId: string): Promise<void>;

  /** Stops the thread's process between turns. */
  abstract stopProcess(threadId: string): Promise<void>;

  /** Removes the thread's files. Those of a server that is gone are removed when it comes back. */
  abstract removeFiles(threadId: string): Promise<void>;

  /**
   * Moves turns of a stopped thread to a branch with a copy of its files; see `BranchStore.split`. Resolves to the thread without them.
   *
   * @param lastSequence the thread's last turn, whose files they are
   */
  abstract split(
    threadId: string,
    branch: NewBranch,
    point: Omit<BranchPoint, 'now'>,
    lastSequence: number,
  ): Promise<Thread>;

  /** Whether the thread's agent still has its own record; true if its server cannot say it now. Never rejects for that. */
  abstract remembers(thread: RememberingThread): Promise<boolean>;

  /** Whether the thread's running turn takes further messages; `undefined` if it is not known. */
  abstract canSteer(threadId: string): Promise<boolean | undefined>;

  /**
   * Hands the thread's stored messages to its running turn. Without one they stay stored, and the next turn hears them. Resolves once they
   * are assigned. Call it under the thread's lock: on PostgreSQL, a turn that is created meanwhile would lock the same rows.
   */
  abstract steer(threadId: string): Promise<void>;
}
