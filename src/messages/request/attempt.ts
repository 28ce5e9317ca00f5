import type { ClientProfile } from '../../clients/client-profile.js';
import type { Attempt } from '../../turns/turn-request.js';

/** The parts of a request that show whether it was sent before. */
export interface AttemptClues {
  readonly client: Pick<ClientProfile, 'countsRetries'>;
  /** `x-stainless-retry-count`: how often Anthropic's SDK has sent this request before. */
  readonly retryCount: string | undefined;
  readonly idempotencyKey: string | undefined;
  /** Whether the request names no thread. In a named thread, a repeated message attaches to the same turn. */
  readonly isNameless: boolean;
}

/**
 * Classifies a request by its retry count. `unknown` with an idempotency key, which decides alone, and for clients whose count is not
 * reliable. [@anthropic-ai/sdk 1.12.0, 0.137.0, 0.65.0]
 */
export function classifyAttempt({ client, retryCount, idempotencyKey, isNameless }: AttemptClues): Attempt {
  if (!isNameless || idempotencyKey !== undefined || !client.countsRetries) return 'unknown';
  if (retryCount === undefined || !/^\d{1,9}$/.test(retryCount)) return 'unknown';
  return Number(retryCount) === 0 ? 'first' : 'retry';
}
