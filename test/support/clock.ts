import { vi } from 'vitest';

const now = performance.now.bind(performance);

/**
 * Lets the server believe that so much time has passed since the start of the test, in milliseconds. Its limits are measured
 * with `performance.now()` and looked at by timers that go on as they are, so sockets work as ever. Undone by
 * `vi.restoreAllMocks()`.
 */
export function skipAhead(milliseconds: number): void {
  vi.spyOn(performance, 'now').mockImplementation(() => now() + milliseconds);
}
