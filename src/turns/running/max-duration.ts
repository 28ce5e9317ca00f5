import type { Turn } from '../../storage/stores/turn.js';

/** The limit that the request set for its own turn, in milliseconds. */
export function readMaxDuration(turn: Turn): number | undefined {
  const { maxDuration } = turn.request;
  return typeof maxDuration === 'number' ? maxDuration : undefined;
}

/** What is told of a turn that took longer than its own limit; centaur's words. */
export function durationExceeded(maxDuration: number): string {
  return `execution exceeded max_duration_ms=${maxDuration}`;
}
