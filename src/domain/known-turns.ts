import { ServiceError } from './service-error.js';

/** The turns of a thread that a client has in its history although others made them: those that it was given when it joined the thread. */
export interface KnownTurns {
  /** The number of the first one. */
  readonly first: number;
  /** The number of the last one, at least that of the first. */
  readonly last: number;
}

/**
 * Parses the header `x-chiron-known-turns`, such as `1-12`; `undefined` without one.
 *
 * @throws ServiceError (`bad_request`) for anything else.
 */
export function parseKnownTurns(header: string | undefined): KnownTurns | undefined {
  if (header === undefined) return undefined;
  const [, first, last] = /^([1-9]\d{0,8})-([1-9]\d{0,8})$/.exec(header.trim()) ?? [];
  const known = { first: Number(first), last: Number(last) };
  if (known.first <= known.last) return known;
  throw new ServiceError('bad_request', 'x-chiron-known-turns: must be the numbers of two turns, as in 1-12');
}

/** Renders the value of the header. */
export function renderKnownTurns({ first, last }: KnownTurns): string {
  return `${first}-${last}`;
}
