import { describe, expect, it } from 'vitest';
import { truncateAtCodePoint, joinSurrogates } from './surrogates.js';

describe('a piece of text', () => {
  it.each([
    ['', 'plain', 'plain', ''],
    ['', 'whole 😀', 'whole 😀', ''],
    ['', 'cut \ud83d', 'cut ', '\ud83d'],
    ['', '\ud83d', '', '\ud83d'],
    ['\ud83d', '\ude00 then', '😀 then', ''],
    ['\ud83d', '\ude00\ud83d', '😀', '\ud83d'],
    ['\ud83d', 'other', '\ufffdother', ''],
    ['\ud83d', '\ud83d', '\ufffd', '\ud83d'],
    ['', '\ude00 orphan', '\ufffd orphan', ''],
    ['', 'in the \ud83d middle \ude00 😀', 'in the \ufffd middle \ufffd 😀', ''],
  ])('after %j, %j is sent as %j and holds back %j', (held, piece, text, heldNext) => {
    expect(joinSurrogates(held, piece)).toEqual({ text, held: heldNext });
  });
});

it.each([
  ['plain', 3, 'pla'],
  ['short', 9, 'short'],
  ['a😀b', 3, 'a😀'],
  ['a😀b', 2, 'a'],
  ['😀', 1, ''],
  ['😀', 0, ''],
])('the beginning of %j, of at most %i units, is %j', (text, length, beginning) => {
  expect(truncateAtCodePoint(text, length)).toBe(beginning);
});
