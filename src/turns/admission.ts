import { ServiceError } from '../domain/service-error.js';
import type { TurnRunner } from './running/turn.runner.js';

/** @throws AnthropicException when no new turn is taken on: 503 while the server stops, 529 when too many turns wait. */
export function assertAcceptsTurns(runner: TurnRunner, maxWaitingTurns: number): void {
  if (runner.draining) {
    throw new ServiceError('unavailable', 'The server is restarting.', { retryAfterSeconds: 5 });
  }
  if (runner.isFull && runner.counts.pending >= maxWaitingTurns) {
    throw new ServiceError('overloaded', 'Too many turns are waiting.', { retryAfterSeconds: 10 });
  }
}

/** The thread takes no further message now. */
export function threadBusy(message: string): ServiceError {
  return new ServiceError('conflict', message, { retryAfterSeconds: 5 });
}
