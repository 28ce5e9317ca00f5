import { describe, expect, it } from 'vitest';
import { chooseAboveLimit } from './choose-above-limit.js';

const threads = (...ids: readonly string[]) => ids.map((id) => ({ id }));
const choose = (bytes: Readonly<Record<string, number>>, removable: readonly string[], limit: number) =>
  chooseAboveLimit(threads(...removable), new Map(Object.entries(bytes)), limit).map(({ id }) => id);

describe('threads above the data limit', () => {
  it('are removed from the longest unused on, and no more than needed', () => {
    expect(choose({ a: 5, b: 5, c: 5 }, ['a', 'b', 'c'], 10)).toEqual(['a']);
    expect(choose({ a: 5, b: 5, c: 5 }, ['a', 'b', 'c'], 9)).toEqual(['a', 'b']);
    expect(choose({ a: 5, b: 5, c: 5 }, ['a', 'b', 'c'], 15)).toEqual([]);
  });

  it('are counted with those that may not be removed', () => {
    expect(choose({ running: 100, a: 1, b: 1 }, ['a', 'b'], 10)).toEqual(['a', 'b']);
  });

  it('are kept when they have no files, as that frees nothing', () => {
    expect(choose({ empty: 0, b: 20 }, ['empty', 'none', 'b'], 10)).toEqual(['b']);
  });
});
