import { ServiceError } from '../../domain/service-error.js';
import { type Query, readQueryParameter } from '../../http/query-parameter.js';

/** How a response is read. */
export interface ResponseQuery {
  readonly isStream: boolean;
  /** The number of the last event that the reader has; -1 for none. */
  readonly startingAfter: number;
}

/** Parses the query of `GET /v1/responses/{id}`. @throws ServiceError (`bad_request`) for a wrong value. */
export function parseResponseQuery(query: Query): ResponseQuery {
  const stream = readQueryParameter(query, 'stream') ?? 'false';
  if (stream !== 'true' && stream !== 'false') throw new ServiceError('bad_request', 'stream: must be true or false');
  const after = readQueryParameter(query, 'starting_after');
  if (after !== undefined && !/^\d{1,15}$/.test(after)) {
    throw new ServiceError('bad_request', 'starting_after: must be the number of an event');
  }
  if (after !== undefined && stream === 'false') {
    throw new ServiceError('bad_request', 'starting_after: needs stream=true');
  }
  return { isStream: stream === 'true', startingAfter: after === undefined ? -1 : Number(after) };
}
