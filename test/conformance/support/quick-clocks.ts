const originalSetInterval = globalThis.setInterval;

/** Factor by which intervals are shortened. */
const SPEEDUP = 20;

/**
 * Shortens the intervals of servers, so that a test that skips ahead in time does not wait for the next tick. What is due still
 * depends on `performance.now()`. Applies to the calling test file only: each file has its own globals.
 */
export function quickenClocks(): void {
  const setShorterInterval = (handler: () => void, delay = 0): NodeJS.Timeout =>
    originalSetInterval(handler, delay / SPEEDUP);
  globalThis.setInterval = setShorterInterval;
}
