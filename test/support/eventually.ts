import { expect } from 'vitest';

/** Expects something of a value that may take its time to be so, as on a busy machine. To be awaited. */
export function eventually<Value>(read: () => Value): ReturnType<typeof expect.poll<Value>> {
  return expect.poll(read, { timeout: 10_000, interval: 5 });
}
