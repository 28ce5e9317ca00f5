import type { DiskWatch } from '../../storage/disk-watch.js';
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
  /** The disk of the data folder is almost full. */
  readonly isDiskLow: boolean;
}

/** Returns the current load of the runner and the disk. */
export function readLoad(
  runner: Pick<TurnRunner, 'draining' | 'isFull' | 'counts'>,
  disk: Pick<DiskWatch, 'isLow'>,
): ServerLoad {
  const { draining, isFull, counts } = runner;
  return { isDraining: draining, isFull, pendingTurns: counts.pending, isDiskLow: disk.isLow };
}

/** Returns why a server with this load accepts no new turns; `undefined` if it does. */
export function refuseForLoad(
  { isDraining, isFull, pendingTurns, isDiskLow }: ServerLoad,
  maxWaitingTurns: number,
): OpeningRefusal | undefined {
  if (isDraining) return { reason: 'draining' };
  if (isDiskLow) return { reason: 'disk-low' };
  return isFull && pendingTurns >= maxWaitingTurns ? { reason: 'overloaded' } : undefined;
}
