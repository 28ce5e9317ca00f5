import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { MadeAhead } from './made-ahead.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('has one ready soon after one was asked for, for one caller', async () => {
  let made = 0;
  const ahead = new MadeAhead(() => Promise.resolve((made += 1)));
  expect([await ahead.take(), await ahead.take()]).toEqual([undefined, undefined]);
  await vi.runAllTimersAsync();
  expect([await ahead.take(), await ahead.take()]).toEqual([1, undefined]);
  await vi.runAllTimersAsync();
  expect(made).toBe(2);
});

it('makes nothing while the one who has asked goes first', async () => {
  const make = vi.fn(() => Promise.resolve('one'));
  await new MadeAhead(make).take();
  expect(make).not.toHaveBeenCalled();
});

it('gives what is being made to the next who asks', async () => {
  let resolve: (made: string) => void = () => undefined;
  const ahead = new MadeAhead(() => new Promise<string>((done) => (resolve = done)));
  await ahead.take();
  await vi.runAllTimersAsync();
  const taken = ahead.take();
  resolve('one');
  expect(await taken).toBe('one');
});

it('has nothing when it could not be made, and tries again for the next', async () => {
  const make = vi.fn(() => Promise.reject<string>(new Error('the disk is full')));
  const ahead = new MadeAhead(make);
  await ahead.take();
  await vi.runAllTimersAsync();
  expect(await ahead.take()).toBeUndefined();
  make.mockResolvedValue('one');
  await vi.runAllTimersAsync();
  expect(await ahead.take()).toBe('one');
});
