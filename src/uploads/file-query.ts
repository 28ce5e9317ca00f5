import { ServiceError } from '../domain/service-error.js';
import { type Query, readQueryParameter } from '../http/query-parameter.js';
import { type FileQuery, isFileId } from '../storage/stores/file.store.js';

const DEFAULT_LIMIT = 20;
/** The length of a page. Clients of OpenAI's API may ask for more, and get the rest with the next page. */
export const MAX_FILE_PAGE = 1000;
const MAX_OPENAI_LIMIT = 10_000;
const MAX_IDS = 100;

/** Parses the query of `GET /v1/files` in the form of Anthropic's API. @throws ServiceError (`bad_request`) */
export function parseAnthropicFileQuery(query: Query): FileQuery {
  const after = readId(query, 'after_id');
  const page = readId(query, 'page');
  const before = readId(query, 'before_id');
  if ([after, page, before].filter((id) => id !== undefined).length > 1)
    throw badQuery('after_id: cannot be used with before_id or page');
  return {
    limit: readLimit(query, DEFAULT_LIMIT, MAX_FILE_PAGE),
    order: 'newest',
    after: after ?? page,
    before,
    ids: readIds(query),
  };
}

/** Parses the query of `GET /v1/files` in the form of OpenAI's API. @throws ServiceError (`bad_request`) */
export function parseOpenAiFileQuery(query: Query): FileQuery {
  const order = readQueryParameter(query, 'order') ?? 'desc';
  if (order !== 'asc' && order !== 'desc') throw badQuery('order: must be asc or desc');
  return {
    limit: Math.min(MAX_FILE_PAGE, readLimit(query, MAX_FILE_PAGE, MAX_OPENAI_LIMIT)),
    order: order === 'asc' ? 'oldest' : 'newest',
    after: readId(query, 'after'),
    purpose: readQueryParameter(query, 'purpose')?.slice(0, 100),
  };
}

function readLimit(query: Query, usual: number, max: number): number {
  const limit = readQueryParameter(query, 'limit') ?? String(usual);
  if (!/^\d{1,5}$/.test(limit) || Number(limit) < 1 || Number(limit) > max)
    throw badQuery(`limit: must be an integer from 1 to ${max}`);
  return Number(limit);
}

function readId(query: Query, name: string): string | undefined {
  const id = readQueryParameter(query, name);
  if (id !== undefined && !isFileId(id)) throw badQuery(`${name}: must be the id of a file`);
  return id;
}

/** Those that cannot be ids are left out, as those of others are. */
function readIds(query: Query): readonly string[] | undefined {
  // Files of other scopes do not exist here.
  if (query['scope_id'] !== undefined) return [];
  const given = query['ids[]'] ?? query['ids'];
  if (given === undefined) return undefined;
  const ids = [...new Set([given].flat().filter((id) => typeof id === 'string'))];
  if (ids.length > MAX_IDS) throw badQuery(`ids: at most ${MAX_IDS}`);
  return ids.filter(isFileId);
}

function badQuery(problem: string): ServiceError {
  return new ServiceError('bad_request', problem);
}
