import { Inject, Injectable } from '@nestjs/common';
import { type Kysely, sql, type Transaction } from 'kysely';
import { type Period, toDay } from '../../domain/periods.js';
import type { Spent } from '../../domain/policy/budgets.js';
import type { PolicySubject } from '../../domain/policy/policy.js';
import { Database } from '../database/database.js';
import { PreparedQuery } from '../database/prepared-query.js';
import type { Tables, UsageTable } from '../database/tables.js';
import type { TurnOutcome } from './turn.js';

/** By what usage can be summed up, and the column of each. */
export const USAGE_GROUPS = {
  tenant: 'tenant',
  key: 'key_id',
  user: 'user_id',
  model: 'model',
  harness: 'harness',
  day: 'day',
} as const satisfies Readonly<Record<string, keyof UsageTable>>;

/** By what usage can be summed up. */
export type UsageGroup = keyof typeof USAGE_GROUPS;

/** Which turns are summed up. */
export interface UsageFilter {
  readonly tenant?: string | undefined;
  readonly keyId?: string | undefined;
  /** The first and the last day in UTC, `2027-01-31`. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** What one turn that has ended used, and its cost. */
export interface UsageOfTurn {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheCreationTokens: number;
  /** Millionths of a US dollar; `undefined` if a model of the turn has no known price. */
  readonly costMicros: number | undefined;
}

/** What some turns used together. */
export interface UsageSum {
  /** What the turns have in common: a value for each group that was asked for. `null` for a turn without a key or user. */
  readonly group: Readonly<Partial<Record<UsageGroup, string | null>>>;
  readonly turns: number;
  /** Turns with a model whose price is not known; the cost is that of the others. */
  readonly unpricedTurns: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheCreationTokens: number;
  /** Millionths of a US dollar. */
  readonly costMicros: number;
}

/** What turns used. Every method rejects when the store cannot be reached. */
@Injectable()
export class UsageStore {
  constructor(@Inject(Database) private readonly database: Database) {}

  /** What a tenant or a key has spent in a period: tokens of all kinds, and millionths of a US dollar. */
  spent(subject: PolicySubject, period: Pick<Period, 'from' | 'to'>): Promise<Spent> {
    return readSpent(this.database.kysely, subject, period);
  }

  /** What each of these turns used, by its id. A turn that has not ended, or that never ran, is missing. */
  async ofTurns(turnIds: readonly string[]): Promise<ReadonlyMap<string, UsageOfTurn>> {
    if (turnIds.length === 0) return new Map();
    const rows = await this.database.kysely.selectFrom('usage').selectAll().where('turn_id', 'in', turnIds).execute();
    return new Map(
      rows.map((row) => [
        row.turn_id,
        {
          inputTokens: row.input_tokens,
          outputTokens: row.output_tokens,
          cacheReadTokens: row.cache_read_tokens,
          cacheCreationTokens: row.cache_creation_tokens,
          costMicros: row.cost_micros ?? undefined,
        },
      ]),
    );
  }

  /** Sums usage up, by these groups and in their order. Without a group it is one sum, of nothing if there was no turn. */
  sum(filter: UsageFilter, groups: readonly UsageGroup[] = []): Promise<readonly UsageSum[]> {
    return sumUsage(this.database.kysely, filter, groups);
  }
}

/** What a tenant or a key has spent in a period, with what the transaction has recorded so far. Rejects when the store cannot be reached. */
export async function readSpent(
  executor: Kysely<Tables>,
  subject: PolicySubject,
  { from, to }: Pick<Period, 'from' | 'to'>,
): Promise<Spent> {
  const of = subject.kind === 'key' ? { keyId: subject.keyId } : { tenant: subject.tenant };
  const [sum] = await sumUsage(executor, { ...of, from, to }, []);
  if (sum === undefined) throw new Error('unreachable: a sum without groups is one row');
  const { inputTokens, outputTokens, cacheReadTokens, cacheCreationTokens, costMicros } = sum;
  return { tokens: inputTokens + outputTokens + cacheReadTokens + cacheCreationTokens, costMicros };
}

async function sumUsage(
  executor: Kysely<Tables>,
  filter: UsageFilter,
  groups: readonly UsageGroup[],
): Promise<readonly UsageSum[]> {
  const columns = groups.map((group) => USAGE_GROUPS[group]);
  let query = executor.selectFrom('usage').select(columns);
  if (filter.tenant !== undefined) query = query.where('tenant', '=', filter.tenant);
  if (filter.keyId !== undefined) query = query.where('key_id', '=', filter.keyId);
  if (filter.from !== undefined) query = query.where('day', '>=', filter.from);
  if (filter.to !== undefined) query = query.where('day', '<=', filter.to);
  if (columns.length > 0) query = query.groupBy(columns);
  // PostgreSQL puts null last by itself, SQLite first.
  for (const column of columns) query = query.orderBy(column, (order) => order.asc().nullsLast());
  const rows = await query
    .select((select) => [
      select.fn.countAll<number>().as('turns'),
      select.fn.count<number>('cost_micros').as('priced'),
      sumOf('input_tokens').as('input'),
      sumOf('output_tokens').as('output'),
      sumOf('cache_read_tokens').as('cache_read'),
      sumOf('cache_creation_tokens').as('cache_creation'),
      sumOf('cost_micros').as('cost'),
    ])
    .execute();
  return rows.map((row) => ({
    group: Object.fromEntries(groups.map((group) => [group, row[USAGE_GROUPS[group]]])),
    turns: row.turns,
    unpricedTurns: row.turns - row.priced,
    inputTokens: row.input,
    outputTokens: row.output,
    cacheReadTokens: row.cache_read,
    cacheCreationTokens: row.cache_creation,
    costMicros: row.cost,
  }));
}

/** PostgreSQL's sum of `bigint` is a `numeric`, which `pg` returns as text. */
function sumOf(column: keyof UsageTable) {
  return sql<number>`coalesce(cast(sum(${sql.ref(column)}) as bigint), 0)`;
}

const INSERT_USAGE = new PreparedQuery((kysely, row: UsageTable) => kysely.insertInto('usage').values(row));

/** A turn, and whom it is billed to. */
type BilledTurn = Pick<UsageTable, 'turn_id' | 'tenant' | 'key_id' | 'user_id'>;

/** Records what a turn used, in the transaction that ends it: it is counted once, and with the numbers of the turn. */
export async function recordUsage(
  transaction: Transaction<Tables>,
  { turn_id, tenant, key_id, user_id }: BilledTurn,
  { usage, bill, endedAt }: Pick<TurnOutcome, 'usage' | 'bill' | 'endedAt'>,
): Promise<void> {
  await INSERT_USAGE.run(transaction, {
    turn_id,
    tenant,
    key_id,
    user_id,
    harness: bill.harness,
    model: bill.model,
    day: toDay(endedAt),
    input_tokens: usage?.inputTokens ?? 0,
    output_tokens: usage?.outputTokens ?? 0,
    cache_read_tokens: usage?.cacheReadInputTokens ?? 0,
    cache_creation_tokens: usage?.cacheCreationInputTokens ?? 0,
    cost_micros: bill.costMicros ?? null,
  });
}
