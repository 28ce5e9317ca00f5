import type { TurnRunner } from '../running/turn.runner.js';
import type { OpeningRefusal } from './refusals.js';

/** How busy this process is. */
export interface ServerLoad {
  /** The server is about to stop. */
  readonly isDraining: boolean;
  /** No slot is free for another running turn. */
  readonly isFull: boolean;
  /** Turns that wait for a slot, or for their thread. */
  readonly pendingTurns: number;
}

/** The load of the runner now. */
export function readLoad(runner: Pick<TurnRunner, 'draining' | 'isFull' | 'counts'>): ServerLoad {
  return { isDraining: runner.draining, isFull: runner.isFull, pendingTurns: runner.counts.pending };
}

/** Why a server with this load takes on no turn, whoever asks; `undefined` when it does. */
export function refuseForLoad(
  { isDraining, isFull, pendingTurns }: ServerLoad,
  maxWaitingTurns: number,
): OpeningRefusal | undefined {
  if (isDraining) return { reason: 'draining' };
  return isFull && pendingTurns >= maxWaitingTurns ? { reason: 'overloaded' } : undefined;
}
