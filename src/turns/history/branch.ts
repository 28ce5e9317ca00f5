import type { JsonObject } from '../../domain/harness-event.js';
import { asNumber, asObject, asString } from '../../domain/json.js';
import type { Thread } from '../../storage/stores/thread.store.js';
import type { TurnSummary } from '../../storage/stores/turn.js';

/** Maximum length of a branch's key, in bytes of UTF-8: that of every thread key. */
const MAX_KEY_BYTES = 512;
const HASH_LENGTH = 8;

/** Where a thread was forked last: the turns from there on went to a thread of their own. */
export interface Cut {
  /** The first turn that went. The agent's record may have it until a turn has completed. */
  readonly turnId: string;
  /** The number of the last turn that went. Later turns have higher numbers, as readers of the thread's events expect. */
  readonly lastSequence: number;
  /** How many numbers up to `lastSequence` have no turn in this thread. */
  readonly skipped: number;
}

/** Reads where a thread was forked last; `undefined` if it never was. */
export function readCut({ metadata }: Pick<Thread, 'metadata'>): Cut | undefined {
  const { turnId, lastSequence, skipped } = asObject(metadata['cut']);
  const [id, last, count] = [asString(turnId), asNumber(lastSequence), asNumber(skipped)];
  return id === undefined || last === undefined || count === undefined
    ? undefined
    : { turnId: id, lastSequence: last, skipped: count };
}

/** Returns a thread's metadata with its newest cut. */
export function withCut(metadata: JsonObject, cut: Cut): JsonObject {
  return { ...metadata, cut: { ...cut } };
}

/** Returns the metadata of a branch: those of the thread that it leaves, which thread that is, and the first turn that it took. */
export function toBranchMetadata({ id, metadata }: Pick<Thread, 'id' | 'metadata'>, turnId: string): JsonObject {
  return { ...metadata, branch: { of: findRoot({ metadata }) ?? id, from: id, turnId } };
}

/** Finds the thread whose key callers use for this branch; `undefined` if the thread is no branch. */
export function findRoot({ metadata }: Pick<Thread, 'metadata'>): string | undefined {
  return asString(asObject(metadata['branch'])['of']);
}

/** Makes the key of a branch: that of its thread, shortened if need be, with the beginning of the branch's id. */
export function toBranchKey(key: string, branchId: string): string {
  const suffix = `~${branchId.slice(0, HASH_LENGTH)}`;
  let end = key.length;
  while (Buffer.byteLength(key.slice(0, end)) > MAX_KEY_BYTES - suffix.length) end -= 1;
  return `${key.slice(0, end).replace(/[\uD800-\uDBFF]$/, '')}${suffix}`;
}

/** Counts the turns of a thread before the one with this number, those before a branch's first one included. */
export function countEarlierTurns(thread: Pick<Thread, 'metadata'>, sequence: number): number {
  const cut = readCut(thread);
  return sequence - 1 - (cut !== undefined && sequence > cut.lastSequence ? cut.skipped : 0);
}

/**
 * Finds the first turn that the agent's record may have and should not: the one from which the thread was forked, until a turn has
 * completed after it.
 *
 * @param recent the thread's last turns, newest first.
 */
export function findPendingCut(thread: Pick<Thread, 'metadata'>, recent: readonly TurnSummary[]): string | undefined {
  const cut = readCut(thread);
  if (cut === undefined) return undefined;
  const isDone = recent.some(({ sequence, state }) => sequence > cut.lastSequence && state === 'completed');
  return isDone ? undefined : cut.turnId;
}
