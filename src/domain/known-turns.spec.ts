import { describe, expect, it } from 'vitest';
import { parseKnownTurns, renderKnownTurns } from './known-turns.js';

describe('the turns that a client was given', () => {
  it('are named by the first and the last one', () => {
    expect(parseKnownTurns(undefined)).toBeUndefined();
    expect(parseKnownTurns(' 3-12 ')).toEqual({ first: 3, last: 12 });
    expect(parseKnownTurns(renderKnownTurns({ first: 7, last: 7 }))).toEqual({ first: 7, last: 7 });
  });

  it.each(['', '3', '3-', '0-3', '4-3', '1-2-3', 'a-b', '1-99999999999'])('cannot be %j', (header) => {
    expect(() => parseKnownTurns(header)).toThrow(/^x-chiron-known-turns: must be/);
  });
});
