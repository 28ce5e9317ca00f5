import { AnthropicException } from '../anthropic/anthropic.exception.js';
import type { TurnRunner } from './running/turn.runner.js';

/** @throws AnthropicException when no new turn is taken on: 503 while the server stops, 529 when too many turns wait. */
export function assertAcceptsTurns(runner: TurnRunner, maxWaitingTurns: number): void {
  if (runner.draining) {
    throw new AnthropicException('api_error', 'The server is restarting.', {
      status: 503,
      headers: { 'retry-after': '5' },
    });
  }
  if (runner.isFull && runner.counts.pending >= maxWaitingTurns) {
    throw new AnthropicException('overloaded_error', 'Too many turns are waiting.', {
      headers: { 'retry-after': '10' },
    });
  }
}

/** The thread takes no further message now. */
export function threadBusy(message: string): AnthropicException {
  return new AnthropicException('conflict_error', message, { headers: { 'retry-after': '5' } });
}
