import { expect, it } from 'vitest';
import { dayOf, monthOf } from './periods.js';

it.each([
  ['2027-01-31T23:59:59.999Z', '2027-01-31', '2027-02-01T00:00:00.000Z'],
  ['2027-02-01T00:00:00.000Z', '2027-02-01', '2027-02-02T00:00:00.000Z'],
])('the day of %s is %s, until %s', (time, day, end) => {
  expect(dayOf(Date.parse(time))).toEqual({ from: day, to: day, endsAt: Date.parse(end) });
});

it.each([
  ['2027-01-31T23:59:59.999Z', '2027-01-01', '2027-01-31', '2027-02-01T00:00:00.000Z'],
  ['2028-02-01T00:00:00.000Z', '2028-02-01', '2028-02-29', '2028-03-01T00:00:00.000Z'],
  ['2027-12-15T12:00:00.000Z', '2027-12-01', '2027-12-31', '2028-01-01T00:00:00.000Z'],
])('the month of %s is from %s to %s, until %s', (time, from, to, end) => {
  expect(monthOf(Date.parse(time))).toEqual({ from, to, endsAt: Date.parse(end) });
});
