import type { HarnessEvent } from '../harness/harness-event.js';

/**
 * A turn's events for a reader that starts after one of its attempts died: without the deltas of blocks that the dead attempt
 * did not finish, as the next attempt says them anew. Tools that ran stay, and so does `attempt-start`. The attempt that is
 * last, and may still run, is left as it is. Linear time; the same array when no attempt died.
 */
export function withoutDeadBlocks(events: readonly HarnessEvent[]): readonly HarnessEvent[] {
  const lastStart = events.findLastIndex((event) => event.type === 'attempt-start');
  if (lastStart <= 0) return events;

  // Backwards, a block's end is met before its deltas. Ends count for their own attempt only: a resumed harness may count its
  // blocks from the beginning again.
  const ended = new Set<string>();
  const kept: HarnessEvent[] = [];
  for (const event of events.slice(0, lastStart).reverse()) {
    if (event.type === 'attempt-start') ended.clear();
    if (event.type === 'block-end') ended.add(event.id);
    const isDelta = event.type === 'text-delta' || event.type === 'thinking-delta';
    if (!isDelta || ended.has(event.id)) kept.push(event);
  }
  return [...kept.reverse(), ...events.slice(lastStart)];
}
