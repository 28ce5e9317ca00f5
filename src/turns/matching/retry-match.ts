import type { TurnSummary } from '../../storage/stores/turn.js';
import { isPermanentFailure } from '../../domain/failure.js';

/** What of a request decides whether it means a turn that is already there. */
export interface RetryIdentity {
  readonly requestKey: string;
  /** Whether the caller sends the whole conversation, so that saying the same thing again would make it longer. */
  readonly hasHistory: boolean;
}

/**
 * What a caller that names no thread says of a request: that it was not sent before, that it is a retry, or nothing. Identical requests
 * that say the first are as many turns; one that says the second is of one of them.
 */
export type Attempt = 'first' | 'retry' | 'unknown';

/** How long a failure that would come again answers for the request that failed, in milliseconds. */
const PERMANENT_FAILURE_TTL_MS = 60_000;

/**
 * Whether a request means this turn, the last one of its thread, and not a new one.
 *
 * The same conversation while the turn is queued or running: always. After a good end: when the caller sends history, as a
 * conversation that goes on is another one; without history only when nobody had the answer yet, as a caller that sends its
 * newest message only and says the same thing twice means it twice. After a failure: a retry is to be tried, but for a failure that
 * would come again: Claude Code 2.1.330 sends the same conversation six times after a 400, and more often after a 401, and each
 * would be a turn of the agent.
 *
 * @param now milliseconds since the epoch.
 */
export function isRetryOf(request: RetryIdentity, turn: TurnSummary, now: number): boolean {
  if (request.requestKey !== turn.requestKey) return false;
  switch (turn.state) {
    case 'queued':
    case 'running':
      return true;
    case 'completed':
      return request.hasHistory || turn.deliveredAt === undefined;
    case 'cancelled':
      return turn.hasMessage && turn.deliveredAt === undefined;
    case 'failed':
      return (
        turn.failure !== undefined &&
        isPermanentFailure(turn.failure.kind) &&
        now - (turn.endedAt ?? 0) < PERMANENT_FAILURE_TTL_MS
      );
    default:
      return turn.state satisfies never;
  }
}
