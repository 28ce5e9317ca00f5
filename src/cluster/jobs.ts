import type { Transaction } from 'kysely';
import type { Tables } from '../storage/database/tables.js';

/** Work that comes again and again, such as a clean-up. */
export interface RepeatedJob {
  /** Lower case letters, digits and underscores. */
  readonly name: string;
  readonly everyMs: number;
  /** Whether each server does it for itself, as for files on its own disk; otherwise one server does it for all. */
  readonly isOwn: boolean;
  /** Must not reject; logs its own failures. */
  readonly run: () => Promise<void>;
}

/** The work of a server beside turns. */
export abstract class Jobs {
  /** Does a job from now on, until the server stops. The first time after its interval. */
  abstract repeat(job: RepeatedJob): void;
  /** Has a thread placed that no server has, once the transaction is committed. One job per thread. Does nothing for a lone server. */
  abstract addPlacements(transaction: Transaction<Tables>, threadIds: readonly string[]): Promise<void>;
  /** Calls this for each thread that is to be placed; true when it was, false to try again a second later. */
  abstract onPlacement(place: (threadId: string) => Promise<boolean>): void;
}
