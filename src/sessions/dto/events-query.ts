import { SessionException } from '../session.exception.js';
import { readQueryParam } from './query-text.js';

/** The query of an event stream. */
export interface EventsQuery {
  /** The id of the last event that the reader has received; 0 for none. */
  readonly after: number;
  readonly executionId: string | undefined;
}

/**
 * Parses the query of an event stream. A browser's EventSource reconnects with its original query and sends its position in
 * `Last-Event-ID`, so the greater of the two applies.
 *
 * @throws SessionException (400) for an id that is not a number.
 */
export function parseEventsQuery(query: unknown, lastEventId: string | undefined): EventsQuery {
  const after = parseEventId(readQueryParam(query, 'after_event_id') ?? '0', 'after_event_id');
  // Ignores a malformed `Last-Event-ID`, which may come from another server.
  const last = lastEventId !== undefined && /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : 0;
  return { after: Math.max(after, last), executionId: readQueryParam(query, 'execution_id') };
}

function parseEventId(text: string, name: string): number {
  if (!/^-?\d{1,19}$/.test(text)) throw new SessionException(400, `${name} must be a number`);
  return Math.max(0, Number(text));
}
