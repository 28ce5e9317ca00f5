/** What is told of a turn that took longer than its own limit, in milliseconds; centaur's words. */
export function durationExceeded(maxDuration: number): string {
  return `execution exceeded max_duration_ms=${maxDuration}`;
}
