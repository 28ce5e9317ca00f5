import { describe, expect, it } from 'vitest';
import { chooseEvicted, type IdleProcess } from './choose-evicted.js';

const idle = (threadId: string, more: Partial<IdleProcess> = {}): IdleProcess => ({
  threadId,
  idleMs: 1000,
  turns: 1,
  waits: false,
  bytes: 100,
  ...more,
});
const NO_LIMIT = { processes: Infinity, bytes: Infinity };

describe('chooseEvicted', () => {
  it('keeps all that are within the limits', () => {
    expect(chooseEvicted([idle('a'), idle('b')], { processes: 2, bytes: 200 })).toEqual([]);
  });

  it('chooses the longest idle above the number of processes', () => {
    const processes = [idle('new', { idleMs: 1 }), idle('old', { idleMs: 9000 }), idle('middle', { idleMs: 2000 })];
    expect(chooseEvicted(processes, { ...NO_LIMIT, processes: 1 })).toEqual(['old', 'middle']);
  });

  it('chooses as many as make room for the memory of the others', () => {
    const processes = [idle('old', { idleMs: 9000, bytes: 50 }), idle('new', { bytes: 400 }), idle('other')];
    expect(chooseEvicted(processes, { ...NO_LIMIT, bytes: 500 })).toEqual(['old']);
    expect(chooseEvicted(processes, { ...NO_LIMIT, bytes: 499 })).toEqual(['old', 'new']);
  });

  it('chooses none for its memory that takes none', () => {
    const processes = [idle('in the server', { idleMs: 9000, bytes: 0 }), idle('large', { bytes: 600 })];
    expect(chooseEvicted(processes, { ...NO_LIMIT, bytes: 500 })).toEqual(['large']);
  });

  it('keeps a thread with many turns longer than one with a single turn', () => {
    const processes = [idle('many', { idleMs: 3000, turns: 9 }), idle('single', { idleMs: 1000 })];
    expect(chooseEvicted(processes, { ...NO_LIMIT, processes: 1 })).toEqual(['single']);
  });

  it('keeps an agent that waits for its caller longest', () => {
    const processes = [idle('waits', { idleMs: 90_000, waits: true }), idle('done', { turns: 50 })];
    expect(chooseEvicted(processes, { ...NO_LIMIT, processes: 1 })).toEqual(['done']);
    expect(chooseEvicted(processes, { ...NO_LIMIT, processes: 0 })).toEqual(['done', 'waits']);
  });
});
