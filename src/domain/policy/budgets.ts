import { dayOf, monthOf, type Period } from '../periods.js';
import type { LimitName, Policy } from './policy.js';

/** What turns have spent: tokens of all kinds, and millionths of a US dollar. */
export interface Spent {
  readonly tokens: number;
  readonly costMicros: number;
}

/** The limits of a policy on what may be spent in a period. */
export type BudgetName = Extract<LimitName, 'tokens_per_day' | 'usd_per_month'>;

/** One budget of a policy, in the period of a time. */
export interface Budget {
  readonly name: BudgetName;
  /** Tokens, or US dollars. */
  readonly allowed: number;
  readonly period: Period;
}

const PERIODS = { tokens_per_day: dayOf, usd_per_month: monthOf } as const satisfies Readonly<
  Record<BudgetName, (timeMs: number) => Period>
>;

const NAMES: readonly BudgetName[] = ['tokens_per_day', 'usd_per_month'];

/** The budgets of a policy at this time (milliseconds since the epoch). */
export function budgetsOf(policy: Policy, timeMs: number): readonly Budget[] {
  return NAMES.flatMap((name) => {
    const allowed = policy[name];
    return allowed === undefined ? [] : { name, allowed, period: PERIODS[name](timeMs) };
  });
}

/** What of it counts for a budget, in its unit. */
export function amountFor(name: BudgetName, { tokens, costMicros }: Spent): number {
  return name === 'tokens_per_day' ? tokens : costMicros / 1e6;
}

/** Whether a budget is spent: it was allowed so much, and turns have spent that or more. */
export function isSpent({ name, allowed }: Pick<Budget, 'name' | 'allowed'>, spent: Spent): boolean {
  return name === 'tokens_per_day' ? spent.tokens >= allowed : spent.costMicros >= allowed * 1e6;
}

/**
 * Whether the last of some turns has spent a budget that the others had not.
 *
 * @param spent by all of them.
 * @param last by the last one alone.
 */
export function isSpentBy(budget: Budget, spent: Spent, last: Spent): boolean {
  const before = { tokens: spent.tokens - last.tokens, costMicros: spent.costMicros - last.costMicros };
  return isSpent(budget, spent) && !isSpent(budget, before);
}
