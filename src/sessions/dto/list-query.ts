import type { ThreadCursor } from '../../storage/stores/thread.store.js';
import { decodeCursor } from './cursor.js';
import { SessionException } from '../session.exception.js';
import { queryParam } from './query-text.js';

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

/** Which page of a list is wanted. */
export interface ListQuery {
  readonly limit: number;
  /** The last thread of the page before. */
  readonly before: ThreadCursor | undefined;
}

/** @throws SessionException (400) for a limit or a cursor that is none. */
export function parseListQuery(query: unknown): ListQuery {
  const limit = queryParam(query, 'limit') ?? String(DEFAULT_LIMIT);
  if (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > MAX_LIMIT) {
    throw new SessionException(400, `limit must be a number from 1 to ${MAX_LIMIT}`);
  }
  const cursor = queryParam(query, 'cursor');
  const before = cursor === undefined ? undefined : decodeCursor(cursor);
  if (cursor !== undefined && before === undefined) throw new SessionException(400, 'cursor is not one of this list');
  return { limit: Number(limit), before };
}
