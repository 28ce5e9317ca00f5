import { expect, it } from 'vitest';
import type { UsageSum } from '../storage/stores/usage.store.js';
import { toUsageCsv, toUsageRow } from './usage-views.js';

const SUM: UsageSum = {
  group: { user: 'customer-7', day: '2027-01-31' },
  turns: 3,
  unpricedTurns: 1,
  inputTokens: 10,
  outputTokens: 20,
  cacheReadTokens: 30,
  cacheCreationTokens: 40,
  costMicros: 1_234_567,
};

it('a row has its groups, its tokens and its cost in dollars, beside the turns whose price is not known', () => {
  expect(toUsageRow(SUM)).toEqual({
    user: 'customer-7',
    day: '2027-01-31',
    turns: 3,
    input_tokens: 10,
    output_tokens: 20,
    cache_read_tokens: 30,
    cache_creation_tokens: 40,
    cost_usd: 1.234567,
    unpriced_turns: 1,
  });
});

it('the cost is null when no turn has a known price, and nothing when there is no turn', () => {
  expect(toUsageRow({ ...SUM, unpricedTurns: 3, costMicros: 0 }).cost_usd).toBeNull();
  expect(toUsageRow({ ...SUM, turns: 0, unpricedTurns: 0, costMicros: 0 }).cost_usd).toBe(0);
});

it('as CSV, a name with a comma is quoted, and one that begins like a formula is no formula', () => {
  const row = toUsageRow(SUM);
  const data = [
    { ...row, user: 'a,"b"' },
    { ...row, user: '=1+1' },
    { ...row, user: null, cost_usd: null },
  ];
  const report = { from: null, to: null, group_by: ['day', 'user'] as const, data, total: row };
  expect(toUsageCsv(report).split('\r\n')).toEqual([
    'day,user,turns,input_tokens,output_tokens,cache_read_tokens,cache_creation_tokens,cost_usd,unpriced_turns',
    '2027-01-31,"a,""b""",3,10,20,30,40,1.234567,1',
    "2027-01-31,'=1+1,3,10,20,30,40,1.234567,1",
    '2027-01-31,,3,10,20,30,40,,1',
    '',
  ]);
});
