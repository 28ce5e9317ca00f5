import type { HarnessEvent } from '../../domain/harness-event.js';
import type { Turn } from '../../storage/stores/turn.js';

/** The error that callers of a handed-off turn get. It is retryable, so clients resend the request to the next server. */
export const SERVER_RESTARTING = {
  type: 'turn-failed',
  kind: 'overloaded',
  message: 'The server is restarting. The turn resumes after the restart; retry the same request to get its result.',
} as const satisfies HarnessEvent;

/** The end that readers get when a turn's log stops without one. `turn` is its stored row. */
export function toFallbackEnd(turn: Turn | undefined): HarnessEvent {
  if (turn?.state === 'failed' && turn.failure !== undefined) return { type: 'turn-failed', ...turn.failure };
  return turn?.state === 'cancelled' ? { type: 'turn-end', reason: 'interrupted' } : SERVER_RESTARTING;
}
