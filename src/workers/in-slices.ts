import { setImmediate } from 'node:timers/promises';

/** Longest slice of work between two yields to the event loop. */
const SLICE_MS = 5;

/** Runs a generator to its end, and yields to the event loop at the first `yield` of each slice that has run long enough. */
export async function runInSlices<Result>(work: Generator<undefined, Result>): Promise<Result> {
  for (let startedMs = performance.now(); ;) {
    const step = work.next();
    if (step.done === true) return step.value;
    if (performance.now() - startedMs < SLICE_MS) continue;
    await setImmediate();
    startedMs = performance.now();
  }
}
