import { hasTrait, PLACEHOLDER } from './event-traits.js';
import type { HarnessEvent } from './harness-event.js';

/**
 * A turn's events for a reader that starts after one of its attempts died: without the deltas of blocks that the dead attempt
 * did not finish, as the next attempt says them anew. Tools that ran stay, and so does `attempt-start`. The attempt that is
 * last, and may still run, is left as it is. Linear time; the same array when no attempt died.
 */
export function dropAbandonedBlocks(events: readonly HarnessEvent[]): readonly HarnessEvent[] {
  const dead = deadDeltas(events);
  return dead.size === 0 ? events : events.filter((_, index) => !dead.has(index));
}

/**
 * The same for a reader that counts events: what {@link dropAbandonedBlocks} leaves out becomes a notice that says nothing, so that
 * every other event keeps its place. The first `seen` events are left as they are: the reader has had them already.
 */
export function maskAbandonedBlocks(events: readonly HarnessEvent[], seen: number): readonly HarnessEvent[] {
  const dead = deadDeltas(events);
  return dead.size === 0
    ? events
    : events.map((event, index) => (index >= seen && dead.has(index) ? PLACEHOLDER : event));
}

/** The places of the deltas that belong to no block of their attempt that ended. */
function deadDeltas(events: readonly HarnessEvent[]): ReadonlySet<number> {
  const dead = new Set<number>();
  const lastStart = events.findLastIndex((event) => event.type === 'attempt-start');
  if (lastStart <= 0) return dead;

  // Backwards, a block's end is met before its deltas. Ends count for their own attempt only: a resumed harness may count its
  // blocks from the beginning again.
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
