import { truncateAtCodePoint } from './surrogates.js';

/** Longest stored user id: Anthropic's own limit on `metadata.user_id`. */
const MAX_USER_ID = 256;

/** Returns a caller's id of its user as usage is recorded with it: a long one is truncated. `undefined` for anything but a text. */
export function asUserId(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? truncateAtCodePoint(value, MAX_USER_ID) : undefined;
}
