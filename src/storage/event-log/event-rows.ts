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

/** Where the events of an attempt begin in its turn's log. */
export interface AttemptStart {
  readonly attempt: number;
  readonly index: number;
}

/** A turn's log, assembled from its rows. */
export interface StoredLog {
  readonly events: readonly HarnessEvent[];
  /** The attempts that stored events, in order. */
  readonly starts: readonly AttemptStart[];
  /** Number of the last row, 0 without rows. */
  readonly sequence: number;
}

/**
 * Parses a stored row. An event of a kind that only a newer version knows becomes an empty placeholder, so that the other events
 * keep their index: positions and event ids are derived from it.
 *
 * @param onUnknown called with the kind of each replaced event
 */
export function parseEventRow(
  row: Pick<TurnEventTable, 'sequence' | 'attempt' | 'first_index' | 'events'>,
  onUnknown: (kind: string) => void,
): EventRow {
  const toKnown = (event: { readonly type: string }): HarnessEvent => {
    if (isKnownEvent(event)) return event;
    onUnknown(event.type);
    return PLACEHOLDER;
  };
  return {
    sequence: row.sequence,
    attempt: row.attempt,
    firstIndex: row.first_index,
    events: parseStored<readonly { readonly type: string }[]>(row.events).map(toKnown),
  };
}

/**
 * Assembles the log of a turn. A process that was fenced off may have written rows of its old attempt after the new attempt read
 * the log; rows of the new attempt overwrite them from their first index.
 */
export function assembleLog(rows: readonly EventRow[]): StoredLog {
  const events: HarnessEvent[] = [];
  const starts: AttemptStart[] = [];
  let attempt = 0;
  for (const row of rows) {
    if (row.attempt < attempt) continue;
    if (row.attempt > attempt) starts.push({ attempt: row.attempt, index: row.firstIndex });
    attempt = row.attempt;
    if (row.firstIndex > events.length) throw new EventGapError(events.length, row.firstIndex);
    events.length = row.firstIndex;
    for (const event of row.events) events.push(event);
  }
  return { events, starts, sequence: rows.at(-1)?.sequence ?? 0 };
}

/** The events of a row from `position` on. */
export function unreadEvents(row: EventRow, position: number): readonly HarnessEvent[] {
  if (row.firstIndex > position) throw new EventGapError(position, row.firstIndex);
  return row.firstIndex === position ? row.events : row.events.slice(position - row.firstIndex);
}

/** Events are missing in the middle of a turn: they were pruned during the read. */
export class EventGapError extends Error {
  override readonly name = 'EventGapError';

  constructor(position: number, found: number) {
    super(`expected event ${position} but found event ${found}: the events before it were pruned`);
  }
}
