import { SessionException } from '../session.exception.js';
import { queryParam } from './query-text.js';

/** Which events are wanted. */
export interface EventsQuery {
  /** The id of the last event that the reader has had; 0 for none. */
  readonly after: number;
  readonly executionId: string | undefined;
}

/**
 * The query of an event stream. A browser's EventSource reconnects with the query that it began with and says in `Last-Event-ID`
 * how far it came, so that the greater of the two counts.
 *
 * @throws SessionException (400) for an id that is not a number.
 */
export function parseEventsQuery(query: unknown, lastEventId: string | undefined): EventsQuery {
  const after = parseEventId(queryParam(query, 'after_event_id') ?? '0', 'after_event_id');
  // Some other server's id in the header is no reason to refuse the stream.
  const last = lastEventId !== undefined && /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : 0;
  return { after: Math.max(after, last), executionId: queryParam(query, 'execution_id') };
}

function parseEventId(text: string, name: string): number {
  if (!/^-?\d{1,19}$/.test(text)) throw new SessionException(400, `${name} must be a number`);
  return Math.max(0, Number(text));
}
