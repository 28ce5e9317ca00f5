import type { Thread } from '../../storage/stores/thread.store.js';
import { type SessionView, toSessionStatus } from './session-views.js';

/** A thread of any tenant, as the command line lists it. Its fields are those of a session where there is one. */
export interface ListedThread extends Pick<SessionView, 'thread_key' | 'status' | 'created_at' | 'updated_at'> {
  readonly tenant: string;
  /** As stored: possibly that of another version. */
  readonly harness: string;
  /** Turns that have ended. */
  readonly turn_count: number;
}

/** Converts a thread for the command line. */
export function toListedThread(thread: Thread): ListedThread {
  return {
    thread_key: thread.key,
    tenant: thread.tenant,
    harness: thread.harness,
    status: toSessionStatus(thread),
    turn_count: thread.turnCount,
    created_at: new Date(thread.createdAt).toISOString(),
    updated_at: new Date(thread.updatedAt).toISOString(),
  };
}
