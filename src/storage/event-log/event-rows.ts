import { isKnownEvent, PLACEHOLDER } from '../../domain/event-traits.js';
import type { HarnessEvent } from '../../domain/harness-event.js';
import type { TurnEventTable } from '../database/tables.js';
import { parseStored } from '../stores/turn.js';

/** One stored flush of a turn, parsed. */
export interface EventRow {
  readonly sequence: number;
  readonly attempt: number;
  readonly firstIndex: number;
  readonly events: readonly HarnessEvent[];
}

/** What a turn's rows add up to. */
export interface StoredLog {
  readonly events: readonly HarnessEvent[];
  /** Number of the last row, 0 without rows. */
  readonly sequence: number;
}

/**
 * A stored row as events. What a newer server stored of a kind that is unknown here is replaced by an event that shows nothing, so that
 * the others keep their index, which positions and event ids are made of.
 *
 * @param onUnknown called with each such kind
 */
export function parseEventRow(
  row: Pick<TurnEventTable, 'sequence' | 'attempt' | 'first_index' | 'events'>,
  onUnknown: (kind: string) => void,
): EventRow {
  const known = (event: { readonly type: string }): HarnessEvent => {
    if (isKnownEvent(event)) return event;
    onUnknown(event.type);
    return PLACEHOLDER;
  };
  return {
    sequence: row.sequence,
    attempt: row.attempt,
    firstIndex: row.first_index,
    events: parseStored<readonly { readonly type: string }[]>(row.events).map(known),
  };
}

/**
 * The whole log of a turn. A process that lost its turn without noticing may have written rows of its old attempt after
 * the new one read the log: the new attempt's rows say at which index they begin, and win.
 */
export function assembleLog(rows: readonly EventRow[]): StoredLog {
  const events: HarnessEvent[] = [];
  let attempt = 0;
  for (const row of rows) {
    if (row.attempt < attempt) continue;
    attempt = row.attempt;
    if (row.firstIndex > events.length) throw new EventGapError(events.length, row.firstIndex);
    events.length = row.firstIndex;
    for (const event of row.events) events.push(event);
  }
  return { events, sequence: rows.at(-1)?.sequence ?? 0 };
}

/** The events of a row that a reader at `position` has not had yet. */
export function unreadEvents(row: EventRow, position: number): readonly HarnessEvent[] {
  if (row.firstIndex > position) throw new EventGapError(position, row.firstIndex);
  return row.firstIndex === position ? row.events : row.events.slice(position - row.firstIndex);
}

/** Events are missing in the middle of a turn: they were pruned while they were read. */
export class EventGapError extends Error {
  override readonly name = 'EventGapError';

  constructor(position: number, found: number) {
    super(`the log goes on at event ${found}, but event ${position} is next: the events before were pruned`);
  }
}
