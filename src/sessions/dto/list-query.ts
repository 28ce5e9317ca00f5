import type { ThreadCursor } from '../../storage/stores/thread.store.js';
import { decodeCursor } from './cursor.js';
import { SessionException } from '../session.exception.js';
import { readQueryParam } from './query-text.js';

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;
const MAX_SEARCH_LENGTH = 200;

/** A page of a list. */
export interface ListQuery {
  readonly limit: number;
  /** The last thread of the previous page. */
  readonly before: ThreadCursor | undefined;
  /** A part of the keys of the threads. */
  readonly search: string | undefined;
}

/**
 * Reads which page is asked for.
 *
 * @param maxLimit the longest page
 * @throws SessionException (400) for an invalid limit, cursor or search.
 */
export function parseListQuery(query: unknown, maxLimit = MAX_LIMIT): ListQuery {
  const limit = readQueryParam(query, 'limit') ?? String(DEFAULT_LIMIT);
  if (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > maxLimit) {
    throw new SessionException(400, `limit must be a number from 1 to ${maxLimit}`);
  }
  const cursor = readQueryParam(query, 'cursor');
  const before = cursor === undefined ? undefined : decodeCursor(cursor);
  if (cursor !== undefined && before === undefined)
    throw new SessionException(400, 'cursor is not valid: use next_cursor of the previous page');
  const search = readQueryParam(query, 'search');
  if (search !== undefined && search.length > MAX_SEARCH_LENGTH)
    throw new SessionException(400, `search must have at most ${MAX_SEARCH_LENGTH} characters`);
  return { limit: Number(limit), before, search };
}
