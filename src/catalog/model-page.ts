import { badRequest } from '../anthropic/anthropic.exception.js';

const DEFAULT_LIMIT = 20;
export const MAX_LIMIT = 1000;

/** The page of a list that a caller requests. */
export interface PageQuery {
  readonly limit: number;
  readonly afterId: string | undefined;
  readonly beforeId: string | undefined;
}

/** A page in Anthropic's form, with the ids of its first and last element; they are `null` on an empty page. */
export interface Page<T> {
  readonly data: readonly T[];
  /** Whether there are more elements in the paging direction. */
  readonly has_more: boolean;
  readonly first_id: string | null;
  readonly last_id: string | null;
}

/**
 * Parses the query of a request.
 *
 * @throws AnthropicException (400) for a limit outside 1..1000, a repeated parameter, or both cursors.
 */
export function parsePageQuery(query: Readonly<Record<string, unknown>>): PageQuery {
  const limit = singleParam(query, 'limit') ?? String(DEFAULT_LIMIT);
  if (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > MAX_LIMIT) {
    throw badRequest(`limit: must be an integer from 1 to ${MAX_LIMIT}`);
  }
  const afterId = singleParam(query, 'after_id');
  const beforeId = singleParam(query, 'before_id');
  if (afterId !== undefined && beforeId !== undefined) throw badRequest('after_id: cannot be used with before_id');
  return { limit: Number(limit), afterId, beforeId };
}

/**
 * Whether a query includes active models. It may filter by lifecycle (`lifecycle[]` from the SDKs).
 *
 * @throws AnthropicException (400) for an unknown lifecycle.
 */
export function includesActive(query: Readonly<Record<string, unknown>>): boolean {
  const lifecycles = [query['lifecycle'], query['lifecycle[]']].flat().filter((value) => value !== undefined);
  for (const value of lifecycles) {
    if (value !== 'active' && value !== 'deprecated' && value !== 'retired') {
      throw badRequest('lifecycle: must be "active", "deprecated" or "retired"');
    }
  }
  return lifecycles.length === 0 || lifecycles.includes('active');
}

/**
 * Returns a page of a list. Elements keep the list's order, even when paging backwards.
 *
 * @throws AnthropicException (400) for a cursor that is not in the list.
 */
export function paginate<T extends { readonly id: string }>(list: readonly T[], query: PageQuery): Page<T> {
  const { limit, afterId, beforeId } = query;
  if (beforeId !== undefined) {
    const end = findIndex(list, beforeId, 'before_id');
    const start = Math.max(0, end - limit);
    return page(list.slice(start, end), start > 0);
  }
  const start = afterId === undefined ? 0 : findIndex(list, afterId, 'after_id') + 1;
  return page(list.slice(start, start + limit), start + limit < list.length);
}

function page<T extends { readonly id: string }>(data: readonly T[], hasMore: boolean): Page<T> {
  return { data, has_more: hasMore, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
}

function findIndex(list: readonly { readonly id: string }[], id: string, cursor: string): number {
  const index = list.findIndex((element) => element.id === id);
  if (index === -1) throw badRequest(`${cursor}: no such model`);
  return index;
}

/** Reads a parameter that may occur once; `undefined` if it is missing or empty. */
function singleParam(query: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = query[name];
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string') throw badRequest(`${name}: must be given once`);
  return value;
}
