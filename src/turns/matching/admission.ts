import type { TurnRunner } from '../running/turn.runner.js';
import type { OpeningRefusal } from './refusals.js';

/** How busy this process is. */
export interface ServerLoad {
  /** The server is about to stop. */
  readonly isDraining: boolean;
  /** No slot is free for another running turn. */
  readonly isFull: boolean;
  /** Turns that wait for a slot or for their thread. */
  readonly pendingTurns: number;
}

/** Returns the current load of the runner. */
export function readLoad(runner: Pick<TurnRunner, 'draining' | 'isFull' | 'counts'>): ServerLoad {
  return { isDraining: runner.draining, isFull: runner.isFull, pendingTurns: runner.counts.pending };
}

/** Returns why a server with this load accepts no new turns; `undefined` if it does. */
export function refuseForLoad(
  { isDraining, isFull, pendingTurns }: ServerLoad,
  maxWaitingTurns: number,
): OpeningRefusal | undefined {
  if (isDraining) return { reason: 'draining' };
  return isFull && pendingTurns >= maxWaitingTurns ? { reason: 'overloaded' } : undefined;
}
