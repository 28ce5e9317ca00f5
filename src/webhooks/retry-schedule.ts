const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** The pauses that Standard Webhooks 1.0 suggests: a receiver may be away for more than a day. */
const DELAYS_MS: readonly number[] = [
  5 * SECOND_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
];

/** What becomes of a delivery after an attempt. */
export type DeliveryStep =
  { readonly kind: 'delivered' } | { readonly kind: 'retry'; readonly delayMs: number } | { readonly kind: 'given up' };

/**
 * Decides what follows an attempt.
 *
 * @param status the HTTP status of the answer; `undefined` without one. 410 says that the receiver wants no more of it.
 * @param attempt the number of the attempt, from 1.
 */
export function nextStep(status: number | undefined, attempt: number): DeliveryStep {
  if (status !== undefined && status >= 200 && status < 300) return { kind: 'delivered' };
  const delayMs = status === 410 ? undefined : DELAYS_MS[attempt - 1];
  return delayMs === undefined ? { kind: 'given up' } : { kind: 'retry', delayMs };
}
