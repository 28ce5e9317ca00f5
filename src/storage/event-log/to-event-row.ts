import type { HarnessEvent } from '../../domain/harness-event.js';
import type { TurnEventTable } from '../database/tables.js';
import type { LiveTurn } from './live-turn.js';

/** Builds the row with all pending events of a turn; `undefined` when there are none. */
export function toEventRow(
  turn: LiveTurn,
  position: { readonly committed: number; readonly sequence: number },
  now: number,
  last: readonly HarnessEvent[] = [],
): TurnEventTable | undefined {
  const events = [...turn.events.slice(position.committed), ...last];
  if (events.length === 0) return undefined;
  return {
    turn_id: turn.id,
    sequence: position.sequence + 1,
    attempt: turn.attempt,
    first_index: position.committed,
    events: JSON.stringify(events),
    created_at: now,
  };
}
