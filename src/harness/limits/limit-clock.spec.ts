import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LimitClock } from './limit-clock.js';

describe('running turns', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('are each looked at once a second, whenever they began, and no more once they are over', () => {
    const clock = new LimitClock();
    const looks: string[] = [];
    const [early, late] = ['early', 'late'].map((name) => ({ look: () => void looks.push(name) }));
    if (early === undefined || late === undefined) throw new Error('unreachable');
    vi.advanceTimersByTime(5000);
    clock.add(early);
    vi.advanceTimersByTime(950);
    expect(looks).toEqual([]);
    clock.add(late);
    vi.advanceTimersByTime(100);
    expect(looks).toEqual(['early']);
    vi.advanceTimersByTime(1000);
    expect(looks.toSorted()).toEqual(['early', 'early', 'late']);
    clock.remove(early);
    vi.advanceTimersByTime(1000);
    expect(looks.slice(3)).toEqual(['late']);
    clock.remove(late);
    vi.advanceTimersByTime(5000);
    expect(looks).toHaveLength(4);
  });
});
