import { ServiceError } from '../../domain/service-error.js';

/** Other forms that `Date.parse` takes mean another time on each machine. */
const PATTERN = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/**
 * Parses when a key expires, to milliseconds since the epoch. A date alone is its midnight in UTC.
 *
 * @throws ServiceError (`bad_request`) for another form, for a day that the calendar does not have, and for a time that is over.
 */
export function parseExpiry(text: string, nowMs: number): number {
  const day = PATTERN.exec(text)?.[1];
  const time = day === undefined ? Number.NaN : Date.parse(text);
  // V8 takes 30 February for 2 March.
  const isDay = day !== undefined && !Number.isNaN(time) && new Date(`${day}T00:00Z`).toISOString().startsWith(day);
  if (!isDay) {
    throw new ServiceError('bad_request', 'expires_at: must be like 2027-01-31 or 2027-01-31T12:00:00Z');
  }
  if (time <= nowMs) throw new ServiceError('bad_request', 'expires_at: must be in the future');
  return time;
}
