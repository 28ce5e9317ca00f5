import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { KeepAliveClock } from './keep-alive-clock.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it('ticks for all listeners with one timer, and has no timer without listeners', () => {
  const clock = new KeepAliveClock();
  const ticks = { one: 0, two: 0 };
  expect(vi.getTimerCount()).toBe(0);
  const one = { tick: () => (ticks.one += 1) };
  const two = { tick: () => (ticks.two += 1) };
  clock.register(one);
  clock.register(two);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(500);
  clock.unregister(one);
  clock.unregister(one);
  vi.advanceTimersByTime(500);
  expect(ticks).toEqual({ one: 2, two: 4 });
  clock.unregister(two);
  expect(vi.getTimerCount()).toBe(0);
  clock.register({ tick: () => (ticks.one += 1) });
  vi.advanceTimersByTime(250);
  expect(ticks.one).toBe(3);
  clock.onApplicationShutdown();
  expect(vi.getTimerCount()).toBe(0);
});

it('ticks with readings of `performance.now()`', () => {
  const times: number[] = [];
  new KeepAliveClock().register({ tick: (now) => times.push(now) });
  vi.advanceTimersByTime(250);
  expect(times).toEqual([performance.now()]);
});
