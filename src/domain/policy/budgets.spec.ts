import { describe, expect, it } from 'vitest';
import { amountFor, budgetsOf, isSpent, isSpentBy } from './budgets.js';

const AT = Date.parse('2027-02-28T12:00:00Z');
const [tokens, money] = budgetsOf({ tokens_per_day: 100, usd_per_month: 0.5, requests_per_minute: 1 }, AT);
if (tokens === undefined || money === undefined) throw new Error('unreachable: both are set');

describe('the budgets of a policy', () => {
  it('are those that it sets, in the day or the month of a time', () => {
    expect(tokens).toEqual({
      name: 'tokens_per_day',
      allowed: 100,
      period: { from: '2027-02-28', to: '2027-02-28', endsAt: Date.parse('2027-03-01T00:00:00Z') },
    });
    expect(money).toMatchObject({ name: 'usd_per_month', allowed: 0.5, period: { from: '2027-02-01' } });
    expect(budgetsOf({ concurrent_turns: 1 }, AT)).toEqual([]);
  });

  it('are counted in tokens and in US dollars', () => {
    const spent = { tokens: 7, costMicros: 1_500_000 };
    expect([amountFor('tokens_per_day', spent), amountFor('usd_per_month', spent)]).toEqual([7, 1.5]);
  });

  it('are spent with the last token or cent that they allow', () => {
    expect(isSpent(tokens, { tokens: 99, costMicros: 1e9 })).toBe(false);
    expect(isSpent(tokens, { tokens: 100, costMicros: 0 })).toBe(true);
    expect(isSpent(money, { tokens: 1e9, costMicros: 499_999 })).toBe(false);
    expect(isSpent(money, { tokens: 0, costMicros: 500_000 })).toBe(true);
  });

  it('are spent by the turn that reaches them, and by none before or after', () => {
    const by = (all: number, last: number): boolean =>
      isSpentBy(tokens, { tokens: all, costMicros: 0 }, { tokens: last, costMicros: 0 });
    expect([by(99, 50), by(100, 1), by(150, 60), by(101, 1), by(100, 0)]).toEqual([false, true, true, false, false]);
  });
});
