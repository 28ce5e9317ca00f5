import { hasTrait } from '../../domain/event-traits.js';
import type { HarnessEvent } from '../../domain/harness-event.js';

/** Notes on the events of tools when they came, so that readers can say how long a tool took. @param at milliseconds since the epoch. */
export function stampTools(events: readonly HarnessEvent[], at: number): readonly HarnessEvent[] {
  return events.map((event) => {
    const isOfTool =
      hasTrait(event, 'unit', 'tool-call') ||
      hasTrait(event, 'unit', 'tool-result') ||
      hasTrait(event, 'unit', 'caller-call');
    return isOfTool ? { ...event, at } : event;
  });
}
