import { describe, expect, it } from 'vitest';
import { choosePoolSize, type PoolFacts } from './pool-size.js';

const NOW = 100_000_000;
const GIGABYTE = 1_000_000_000;
const size = (facts: Partial<PoolFacts>): number =>
  choosePoolSize({ setting: 'auto', arrivals: [], isDefault: true, memoryBytes: 64 * GIGABYTE, nowMs: NOW, ...facts });
const ago = (...seconds: readonly number[]): readonly number[] => seconds.map((each) => NOW - each * 1000);

describe('The size of a pool', () => {
  it('is what the deployment says, for the default agent and for those that are used', () => {
    expect(size({ setting: 3 })).toBe(3);
    expect(size({ setting: 3, isDefault: false })).toBe(0);
    expect(size({ setting: 3, isDefault: false, arrivals: ago(60) })).toBe(3);
    expect(size({ setting: 0, arrivals: ago(60) })).toBe(0);
  });

  it('is one for the default agent, and for another one as long as its last thread is not an hour old', () => {
    expect(size({})).toBe(1);
    expect(size({ isDefault: false })).toBe(0);
    expect(size({ isDefault: false, arrivals: ago(3599) })).toBe(1);
    expect(size({ isDefault: false, arrivals: ago(3601) })).toBe(0);
  });

  it('is that of the largest burst of the last ten minutes', () => {
    expect(size({ arrivals: ago(300, 299, 298, 100, 60) })).toBe(3);
    expect(size({ arrivals: ago(900, 899, 898, 100, 60) })).toBe(1);
    expect(size({ arrivals: ago(60, 50, 40, 30) })).toBe(1);
  });

  it('takes no more than a part of the memory, and none where there is little', () => {
    const burst = ago(...Array.from({ length: 50 }, () => 10));
    expect(size({ arrivals: burst })).toBe(8);
    expect(size({ arrivals: burst, memoryBytes: 16 * GIGABYTE })).toBe(3);
    expect(size({ memoryBytes: 4 * GIGABYTE })).toBe(0);
  });
});
