import type { Turn } from '../../storage/stores/turn.js';

/** Reads the limit that the request set for its turn, in milliseconds. */
export function readMaxDuration(turn: Turn): number | undefined {
  const { maxDuration } = turn.request;
  return typeof maxDuration === 'number' ? maxDuration : undefined;
}

/** Formats the failure of a turn that exceeded its own limit. The text is centaur's; its clients match on it. */
export function durationExceeded(maxDurationMs: number): string {
  return `execution exceeded max_duration_ms=${maxDurationMs}`;
}
