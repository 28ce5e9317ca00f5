import { stringify } from 'csv-stringify/sync';
import type { UsageGroup, UsageSum } from '../storage/stores/usage.store.js';

/** What some turns used together, as the API and the command line show it. */
export interface UsageRow extends Readonly<Partial<Record<UsageGroup, string | null>>> {
  readonly turns: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_creation_tokens: number;
  /** US dollars, to the millionth; `null` if no turn has a known price. */
  readonly cost_usd: number | null;
  /** Turns whose price is not known; they are not in `cost_usd`. */
  readonly unpriced_turns: number;
}

/** An answer about usage. */
export interface UsageReport {
  readonly from: string | null;
  readonly to: string | null;
  readonly group_by: readonly UsageGroup[];
  /** A row for each group that has turns. */
  readonly data: readonly UsageRow[];
  readonly total: UsageRow;
}

/** The columns after those of the groups. */
export const USAGE_COLUMNS = [
  'turns',
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_creation_tokens',
  'cost_usd',
  'unpriced_turns',
] as const satisfies readonly (keyof UsageRow)[];

/** A sum for callers. */
export function toUsageRow(sum: UsageSum): UsageRow {
  const isUnknown = sum.turns > 0 && sum.unpricedTurns === sum.turns;
  return {
    ...sum.group,
    turns: sum.turns,
    input_tokens: sum.inputTokens,
    output_tokens: sum.outputTokens,
    cache_read_tokens: sum.cacheReadTokens,
    cache_creation_tokens: sum.cacheCreationTokens,
    cost_usd: isUnknown ? null : sum.costMicros / 1e6,
    unpriced_turns: sum.unpricedTurns,
  };
}

/**
 * A report as CSV (RFC 4180): a line of names and one per row. Users and models are named by callers, and their names must not become
 * formulas of whoever opens the file.
 */
export function toUsageCsv({ group_by, data }: UsageReport): string {
  return stringify([...data], {
    header: true,
    columns: [...group_by, ...USAGE_COLUMNS],
    escape_formulas: true,
    record_delimiter: '\r\n',
  });
}
