import { describe, expect, it } from 'vitest';
import { nextStep } from './retry-schedule.js';

describe('an attempt to deliver a webhook', () => {
  it.each([200, 202, 204, 299])('is the last one after the status %i', (status) => {
    expect(nextStep(status, 1)).toEqual({ kind: 'delivered' });
  });

  it.each([undefined, 199, 301, 400, 404, 429, 500, 503])('is made again after the status %s', (status) => {
    expect(nextStep(status, 1)).toEqual({ kind: 'retry', delayMs: 5000 });
  });

  it('is made eight times over more than a day, with longer pauses each time', () => {
    const steps = Array.from({ length: 8 }, (_, index) => nextStep(500, index + 1));
    const delays = steps.flatMap((step) => (step.kind === 'retry' ? [step.delayMs] : []));
    expect(delays).toEqual(delays.toSorted((one, other) => one - other));
    expect(delays.reduce((sum, delay) => sum + delay, 0)).toBeGreaterThan(24 * 3_600_000);
    expect(steps.at(-1)).toEqual({ kind: 'given up' });
  });

  it('is not made again when the receiver wants no more', () => {
    expect(nextStep(410, 1)).toEqual({ kind: 'given up' });
  });
});
