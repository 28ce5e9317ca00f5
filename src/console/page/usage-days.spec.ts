import { expect, it } from 'vitest';
import { toDayBars } from './usage-days.js';

const usage = (day: string, tokens: number, cost: number | null) => ({
  day,
  turns: 1,
  input_tokens: tokens,
  output_tokens: 0,
  cache_read_tokens: 0,
  cache_creation_tokens: 0,
  cost_usd: cost,
});

it('The days of the chart have no gaps, and the largest one is the measure', () => {
  const bars = toDayBars([usage('2027-02-28', 50, 0.5), usage('2027-03-02', 200, null)], '2027-03-02', 4);
  expect(bars).toEqual([
    { day: '2027-02-27', tokens: 0, cost: 0, turns: 0, share: 0 },
    { day: '2027-02-28', tokens: 50, cost: 0.5, turns: 1, share: 0.25 },
    { day: '2027-03-01', tokens: 0, cost: 0, turns: 0, share: 0 },
    { day: '2027-03-02', tokens: 200, cost: null, turns: 1, share: 1 },
  ]);
});

it('Days without any turn have bars of no height', () => {
  expect(toDayBars([], '2027-01-01', 2).map(({ day, share }) => [day, share])).toEqual([
    ['2026-12-31', 0],
    ['2027-01-01', 0],
  ]);
});
