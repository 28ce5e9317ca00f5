import { countTokens } from './amounts.js';
import type { UsageDay } from './api-types.js';

/** A day of the chart. */
export interface DayBar {
  readonly day: string;
  readonly tokens: number;
  /** US dollars; `null` if nothing of the day has a known price. */
  readonly cost: number | null;
  readonly turns: number;
  /** Of the largest day, from 0 to 1. */
  readonly share: number;
}

/** The days from the first to the last one, also those without a turn. @param today in UTC, `2027-01-31` */
export function toDayBars(days: readonly UsageDay[], today: string, count: number): readonly DayBar[] {
  const known = new Map(days.map((day) => [day.day, day]));
  const bars = listDays(today, count).map((day) => {
    const usage = known.get(day);
    return {
      day,
      tokens: usage === undefined ? 0 : countTokens(usage),
      cost: usage === undefined ? 0 : usage.cost_usd,
      turns: usage?.turns ?? 0,
    };
  });
  const most = Math.max(1, ...bars.map(({ tokens }) => tokens));
  return bars.map((bar) => ({ ...bar, share: bar.tokens / most }));
}

/** The last days up to `today`, oldest first. */
export function listDays(today: string, count: number): readonly string[] {
  const last = Date.parse(today);
  return Array.from({ length: count }, (_, index) =>
    new Date(last - (count - 1 - index) * 86_400_000).toISOString().slice(0, 10),
  );
}
