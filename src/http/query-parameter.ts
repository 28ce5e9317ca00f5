import { ServiceError } from '../domain/service-error.js';

/** The query of a request, as Express parses it. */
export type Query = Readonly<Record<string, unknown>>;

/** Reads a query parameter; `undefined` when it is absent or empty. @throws ServiceError (`bad_request`) when it is repeated. */
export function readQueryParameter(query: Query, name: string): string | undefined {
  const value = query[name];
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string') throw new ServiceError('bad_request', `${name}: must be given once`);
  return value;
}
