import type { Thread } from '../../storage/stores/thread.store.js';
import type { Turn } from '../../storage/stores/turn.js';
import type { Lease } from '../../storage/stores/turn.store.js';

/** A turn that waits for its start. */
export interface PendingTurn {
  readonly thread: Thread;
  readonly turn: Turn;
}

/** A place for one more running turn. */
export interface RunSlot {
  /** To be stored with the turn. */
  readonly lease: Lease;
  /** Gives the place back, unless a turn has been submitted for it. Safe to call again. */
  release(): void;
}

/** How many turns this process has. */
export interface RunnerCounts {
  readonly running: number;
  readonly pending: number;
}
