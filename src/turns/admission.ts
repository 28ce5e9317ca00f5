import { AnthropicException } from '../anthropic/anthropic.exception.js';
import type { TurnRunner } from './running/turn.runner.js';

/** @throws AnthropicException when no new turn is taken on: 503 while the server stops, 529 when too many turns wait. */
export function refuseWhenFull(runner: TurnRunner, maxWaitingTurns: number): void {
  if (runner.draining) {
    throw new AnthropicException('api_error', 'The server is restarting.', {
      status: 503,
      headers: { 'retry-after': '5' },
    });
  }
  if (runner.isFull && runner.counts.waiting >= maxWaitingTurns) {
    throw new AnthropicException('overloaded_error', 'Too many turns are waiting.', {
      headers: { 'retry-after': '10' },
    });
  }
}

/** The thread takes no further message now. */
export function busy(message: string): AnthropicException {
  return new AnthropicException('conflict_error', message, { headers: { 'retry-after': '5' } });
}
