import { hasTrait, PLACEHOLDER } from './event-traits.js';
import type { HarnessEvent } from './harness-event.js';

/**
 * Drops the blocks of a dead attempt that it did not finish, and those that the agent's record lacks (`block-dropped`), for readers that
 * start after its death: the next attempt emits these blocks again. Tool events and `attempt-start` stay. Nothing of the last attempt,
 * which may still run, is dropped. Linear time; returns the same array if there is nothing to drop.
 */
export function dropAbandonedBlocks(events: readonly HarnessEvent[]): readonly HarnessEvent[] {
  const dead = deadEvents(events);
  return dead.size === 0 ? events : events.filter((_, index) => !dead.has(index));
}

/**
 * Replaces what {@link dropAbandonedBlocks} drops by empty notices, for readers that count events: every other event keeps its
 * index. The first `seen` events stay unchanged: the reader already has them.
 */
export function maskAbandonedBlocks(events: readonly HarnessEvent[], seen: number): readonly HarnessEvent[] {
  const dead = deadEvents(events);
  return dead.size === 0
    ? events
    : events.map((event, index) => (index >= seen && dead.has(index) ? PLACEHOLDER : event));
}

/** Returns the indices of the abandoned blocks' deltas and ends. */
function deadEvents(events: readonly HarnessEvent[]): ReadonlySet<number> {
  const dead = new Set<number>();
  const lastStart = events.findLastIndex((event) => event.type === 'attempt-start');
  if (lastStart <= 0) return dead;

  // Going backwards, a block's end comes before its deltas. An end counts only within its attempt: a resumed harness may number its
  // blocks from the start again.
  const ended = new Set<string>();
  const dropped = new Set<string>();
  for (let index = events.length - 1; index >= 0; index -= 1) {
    const event = events[index];
    if (event === undefined) continue;
    if (event.type === 'block-dropped') dropped.add(event.id);
    if (index >= lastStart) continue;
    if (event.type === 'attempt-start') ended.clear();
    if (event.type === 'block-end') {
      if (dropped.has(event.id)) dead.add(index);
      else ended.add(event.id);
    }
    if (hasTrait(event, 'isDelta', true) && !ended.has(event.id)) dead.add(index);
  }
  return dead;
}
