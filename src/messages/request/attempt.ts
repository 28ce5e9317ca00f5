import type { ClientProfile } from '../../clients/client-profile.js';
import type { Attempt } from '../../turns/turn-request.js';

/** The parts of a request that say whether it was sent before. */
export interface AttemptClues {
  readonly client: Pick<ClientProfile, 'countsRetries'>;
  /** `x-stainless-retry-count`: how often an SDK of Anthropic has sent this request before. */
  readonly retryCount: string | undefined;
  readonly idempotencyKey: string | undefined;
  /** The request names no thread. In one with a name the same message again is the same turn. */
  readonly isNameless: boolean;
}

/**
 * What a caller says of a request by the count of its retries. It says nothing with an idempotency key, which decides by itself, nor
 * of a client that does not count them. [@anthropic-ai/sdk 1.12.0, 0.137.0, 0.65.0]
 */
export function classifyAttempt({ client, retryCount, idempotencyKey, isNameless }: AttemptClues): Attempt {
  if (!isNameless || idempotencyKey !== undefined || !client.countsRetries) return 'unknown';
  if (retryCount === undefined || !/^\d{1,9}$/.test(retryCount)) return 'unknown';
  return Number(retryCount) === 0 ? 'first' : 'retry';
}
