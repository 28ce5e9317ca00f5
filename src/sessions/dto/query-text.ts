import { SessionException } from '../session.exception.js';

/** Reads a query parameter; `undefined` when it is absent or empty. @throws SessionException (400) when it is repeated. */
export function readQueryParam(query: unknown, name: string): string | undefined {
  if (typeof query !== 'object' || query === null) return undefined;
  const value: unknown = Reflect.get(query, name);
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string') throw new SessionException(400, `${name} must be given once`);
  return value;
}
