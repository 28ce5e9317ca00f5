import { expect, it } from 'vitest';
import { toDollars, toDurationText } from './amounts.js';

it.each([
  [0, '$0.00'],
  [0.000123, '$0.000123'],
  [0.0099, '$0.0099'],
  [0.012345678, '$0.0123'],
  [1234.5, '$1,234.50'],
])('%s US dollars are shown as %s', (amount, text) => {
  expect(toDollars(amount)).toBe(text);
});

it.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [1000, '1.0 s'],
  [2549, '2.5 s'],
  [9999, '9.9 s'],
  [10_000, '10 s'],
  [59_999, '59 s'],
  [185_000, '3 min 5 s'],
  [3_600_000, '1 h 0 min'],
  [7_380_000, '2 h 3 min'],
])('%s milliseconds are shown as %s', (milliseconds, text) => {
  expect(toDurationText(milliseconds)).toBe(text);
});
