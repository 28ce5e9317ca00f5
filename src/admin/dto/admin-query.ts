import { ServiceError } from '../../domain/service-error.js';
import { type Query, readQueryParameter } from '../../http/query-parameter.js';
import type { AuditPage } from '../../storage/stores/audit.store.js';

/** The length of a page when none is asked for. */
export const DEFAULT_PAGE = 50;
/** The longest page. */
export const MAX_PAGE = 500;

/** Reads the tenant whose keys are listed; `undefined` for those of all. @throws ServiceError (`bad_request`) */
export function parseKeysQuery(query: Query): { readonly tenant: string | undefined } {
  return { tenant: readQueryParameter(query, 'tenant') };
}

/** Reads whether a tenant's threads are to be kept. @throws ServiceError (`bad_request`) for anything but `keep`. */
export function parseRemovalQuery(query: Query): { readonly keepThreads: boolean } {
  const threads = readQueryParameter(query, 'threads');
  if (threads !== undefined && threads !== 'keep')
    throw new ServiceError('bad_request', 'threads: must be keep or absent');
  return { keepThreads: threads === 'keep' };
}

/** Reads which page of the audit log is asked for. @throws ServiceError (`bad_request`) for an invalid limit or cursor. */
export function parseAuditQuery(query: Query): AuditPage {
  const limit = readLimit(query);
  const cursor = readQueryParameter(query, 'cursor');
  if (cursor !== undefined && !/^aud_[\da-f]+$/.test(cursor)) {
    throw new ServiceError('bad_request', 'cursor: must be next_cursor of the previous page');
  }
  return { limit, ...(cursor === undefined ? {} : { before: cursor }) };
}

/** Reads how many turns are asked for. @throws ServiceError (`bad_request`) for an invalid limit. */
export function parseTurnsQuery(query: Query): { readonly limit: number } {
  return { limit: readLimit(query) };
}

function readLimit(query: Query): number {
  const limit = readQueryParameter(query, 'limit') ?? String(DEFAULT_PAGE);
  if (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > MAX_PAGE) {
    throw new ServiceError('bad_request', `limit: must be a number from 1 to ${MAX_PAGE}`);
  }
  return Number(limit);
}
