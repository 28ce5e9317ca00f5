import { expect, it } from 'vitest';
import { parseExpiry } from './expiry.js';

it.each([
  ['2027-01-31', '2027-01-31T00:00:00.000Z'],
  ['2028-02-29', '2028-02-29T00:00:00.000Z'],
  ['2027-01-31T12:30Z', '2027-01-31T12:30:00.000Z'],
  ['2027-01-31T12:30:15.5+02:00', '2027-01-31T10:30:15.500Z'],
  ['2027-01-01T00:30:00+01:00', '2026-12-31T23:30:00.000Z'],
])('reads %s as %s', (text, expected) => {
  expect(new Date(parseExpiry(text, 0)).toISOString()).toBe(expected);
});

it.each([
  '',
  'tomorrow',
  '31.1.2027',
  '2027-1-31',
  '2027-02-30',
  '2027-13-01',
  '2027-01-31T12:00',
  '2027-01-31T25:00Z',
  '1e3',
])('refuses "%s", whose meaning is not certain', (text) => {
  expect(() => parseExpiry(text, 0)).toThrow(/^expires_at: must be like 2027-01-31/);
});

it('refuses a time that is over', () => {
  const now = Date.parse('2027-01-31T00:00:00Z');
  expect(() => parseExpiry('2027-01-31', now)).toThrow('expires_at: must be in the future');
  expect(parseExpiry('2027-01-31', now - 1)).toBe(now);
});
