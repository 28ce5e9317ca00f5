import type { ClientKind } from '../../clients/client-kind.js';
import type { Attempt } from '../../turns/matching/retry-match.js';

/** What tells whether a request was sent before. */
export interface AttemptClues {
  readonly caller: ClientKind;
  /** `x-stainless-retry-count`: how often an SDK of Anthropic has sent this request before. */
  readonly retryCount: string | undefined;
  readonly idempotencyKey: string | undefined;
  /** The request names no thread. In one with a name the same message again is the same turn. */
  readonly isNameless: boolean;
}

/**
 * What a caller says of a request by the count of its retries. It says nothing with an idempotency key, which decides by itself, nor as
 * Claude Code, which sends 0 with each of its own retries. [Claude Code 2.1.330, @anthropic-ai/sdk 1.12.0, 0.137.0, 0.65.0]
 */
export function classifyAttempt({ caller, retryCount, idempotencyKey, isNameless }: AttemptClues): Attempt {
  if (!isNameless || idempotencyKey !== undefined || caller === 'claude-code') return 'unknown';
  if (retryCount === undefined || !/^\d{1,9}$/.test(retryCount)) return 'unknown';
  return Number(retryCount) === 0 ? 'first' : 'retry';
}
