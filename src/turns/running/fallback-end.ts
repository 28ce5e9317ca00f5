import type { HarnessEvent } from '../../domain/harness-event.js';
import type { Turn } from '../../storage/stores/turn.js';

/** What the caller of a turn that was left to the next server is told, so that it sends its request again. */
export const SERVER_RESTARTING: HarnessEvent = {
  type: 'turn-failed',
  kind: 'overloaded',
  message: 'The server is restarting. Your turn goes on after it; send the same request again to read it.',
};

/** What the readers of a turn are told whose log stopped without its end, by what the store has of it. */
export function fallbackEndEvent(turn: Turn | undefined): HarnessEvent {
  if (turn?.state === 'failed' && turn.failure !== undefined) return { type: 'turn-failed', ...turn.failure };
  return turn?.state === 'cancelled' ? { type: 'turn-end', reason: 'interrupted' } : SERVER_RESTARTING;
}
