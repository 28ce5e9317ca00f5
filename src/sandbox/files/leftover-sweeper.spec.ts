import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LeftoverSweeper } from './leftover-sweeper.js';
import type { StuckLeftover } from './thread-removal.js';

describe(LeftoverSweeper.name, () => {
  let stuck: readonly StuckLeftover[];
  let sweeps: number;
  let warnings: string[];
  let sweeper: LeftoverSweeper;

  beforeEach(() => {
    vi.useFakeTimers();
    stuck = [];
    sweeps = 0;
    warnings = [];
    const sweep = () => {
      sweeps += 1;
      return Promise.resolve(stuck);
    };
    sweeper = new LeftoverSweeper(sweep, (text) => warnings.push(text));
  });

  afterEach(() => {
    sweeper.stop();
    vi.useRealTimers();
  });

  const later = () => vi.advanceTimersByTimeAsync(3_600_000);

  it('sweeps at the start and again and again, until it is stopped', async () => {
    sweeper.start();
    expect(sweeps).toBe(1);
    await later();
    const before = sweeps;
    expect(before).toBeGreaterThan(1);
    sweeper.stop();
    await later();
    expect(sweeps).toBe(before);
  });

  it('reports each leftover that cannot be removed once, and again only after it was gone', async () => {
    const one = { name: '.removed-one', error: new Error('EPERM') };
    stuck = [one];
    sweeper.start();
    await later();
    stuck = [one, { name: '.removed-two', error: new Error('EBUSY') }];
    await later();
    expect(warnings).toEqual([expect.stringContaining('.removed-one'), expect.stringContaining('EBUSY')]);
    stuck = [];
    await later();
    stuck = [one];
    await later();
    expect(warnings).toHaveLength(3);
  });

  it('continues after a failed sweep', async () => {
    const failing = new LeftoverSweeper(
      () => Promise.reject(new Error('no disk')),
      (text) => warnings.push(text),
    );
    await failing.run();
    await failing.run();
    expect(warnings).toEqual([expect.stringContaining('no disk'), expect.stringContaining('no disk')]);
  });
});
