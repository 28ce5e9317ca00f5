import { setImmediate } from 'node:timers/promises';

/** How long work goes on at a time, in milliseconds. */
const SLICE_MS = 10;

/** Does work to its end, and lets others have the event loop where it yields and has been at it for a while. */
export async function inSlices<Result>(work: Generator<undefined, Result>): Promise<Result> {
  for (let begun = performance.now(); ;) {
    const step = work.next();
    if (step.done === true) return step.value;
    if (performance.now() - begun < SLICE_MS) continue;
    await setImmediate();
    begun = performance.now();
  }
}
