import { hasTrait, PLACEHOLDER } from './event-traits.js';
import type { HarnessEvent } from './harness-event.js';

/**
 * Drops the deltas of blocks that a dead attempt did not finish, for readers that start after its death: the next attempt emits
 * these blocks again. Tool events and `attempt-start` stay. The last attempt, which may still run, stays unchanged. Linear time;
 * returns the same array if no attempt died.
 */
export function dropAbandonedBlocks(events: readonly HarnessEvent[]): readonly HarnessEvent[] {
  const dead = deadDeltas(events);
  return dead.size === 0 ? events : events.filter((_, index) => !dead.has(index));
}

/**
 * Replaces what {@link dropAbandonedBlocks} drops by empty notices, for readers that count events: every other event keeps its
 * index. The first `seen` events stay unchanged: the reader already has them.
 */
export function maskAbandonedBlocks(events: readonly HarnessEvent[], seen: number): readonly HarnessEvent[] {
  const dead = deadDeltas(events);
  return dead.size === 0
    ? events
    : events.map((event, index) => (index >= seen && dead.has(index) ? PLACEHOLDER : event));
}

/** Returns the indices of the deltas whose block did not end in their attempt. */
function deadDeltas(events: readonly HarnessEvent[]): ReadonlySet<number> {
  const dead = new Set<number>();
  const lastStart = events.findLastIndex((event) => event.type === 'attempt-start');
  if (lastStart <= 0) return dead;

  // Going backwards, a block's end comes before its deltas. An end counts only within its attempt: a resumed harness may number its
  // blocks from the start again.
  const ended = new Set<string>();
  for (let index = lastStart - 1; index >= 0; index -= 1) {
    const event = events[index];
    if (event === undefined) continue;
    if (event.type === 'attempt-start') ended.clear();
    if (event.type === 'block-end') ended.add(event.id);
    if (hasTrait(event, 'isDelta', true) && !ended.has(event.id)) dead.add(index);
  }
  return dead;
}
