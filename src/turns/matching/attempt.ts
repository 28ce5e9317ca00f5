import type { Attempt } from '../turn-request.js';

/** The parts of a request that show whether it was sent before. */
export interface AttemptClues {
  /** Whether the client's retry count is reliable. */
  readonly countsRetries: boolean;
  /** `x-stainless-retry-count`: how often an SDK has sent this request before. */
  readonly retryCount: string | undefined;
  readonly idempotencyKey: string | undefined;
  /** Whether the request names no thread. In a named thread, a repeated message attaches to the same turn. */
  readonly isNameless: boolean;
}

/**
 * Classifies a request by its retry count. `unknown` with an idempotency key, which decides alone, and for clients whose count is not
 * reliable. [@anthropic-ai/sdk 1.12.0, 0.137.0, 0.65.0; openai 7.57.0]
 */
export function classifyAttempt({ countsRetries, retryCount, idempotencyKey, isNameless }: AttemptClues): Attempt {
  if (!isNameless || idempotencyKey !== undefined || !countsRetries) return 'unknown';
  if (retryCount === undefined || !/^\d{1,9}$/.test(retryCount)) return 'unknown';
  return Number(retryCount) === 0 ? 'first' : 'retry';
}
