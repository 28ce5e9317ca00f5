import { ServiceError } from '../domain/service-error.js';
import { type Query, readQueryParameter } from '../http/query-parameter.js';
import { USAGE_GROUPS, type UsageGroup } from '../storage/stores/usage.store.js';

/** What a caller asks of its usage. */
export interface UsageQuery {
  /** The first and the last day in UTC; `undefined` for all. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly groups: readonly UsageGroup[];
  /** `undefined` for the caller's own, or for all tenants if the caller may see them. */
  readonly tenant: string | undefined;
  readonly format: 'json' | 'csv';
}

/** By what usage can be summed up, in the order of the documentation. */
export const GROUP_NAMES = Object.keys(USAGE_GROUPS).filter(isUsageGroup);

/**
 * Reads the query of `GET /api/usage`.
 *
 * @param prefersCsv the form of the answer if the query does not say it
 * @throws ServiceError (`bad_request`) that names the wrong parameter.
 */
export function parseUsageQuery(query: Query, prefersCsv = false): UsageQuery {
  const from = readDay(query, 'from');
  const to = readDay(query, 'to');
  if (from !== undefined && to !== undefined && from > to) {
    throw new ServiceError('bad_request', 'from: must not be after to');
  }
  const format = readQueryParameter(query, 'format') ?? (prefersCsv ? 'csv' : 'json');
  if (format !== 'json' && format !== 'csv') throw new ServiceError('bad_request', 'format: must be json or csv');
  return { from, to, format, groups: readGroups(query), tenant: readQueryParameter(query, 'tenant') };
}

function readGroups(query: Query): readonly UsageGroup[] {
  const names = readQueryParameter(query, 'group_by')?.split(',') ?? [];
  const groups = names.map((name) => name.trim()).filter(isUsageGroup);
  if (groups.length !== names.length || new Set(groups).size !== groups.length) {
    throw new ServiceError('bad_request', `group_by: must be a comma-separated list of ${GROUP_NAMES.join(', ')}`);
  }
  return groups;
}

function readDay(query: Query, name: string): string | undefined {
  const day = readQueryParameter(query, name);
  if (day === undefined) return undefined;
  const time = /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(day) : Number.NaN;
  // V8 takes 30 February for 2 March.
  const isDay = !Number.isNaN(time) && new Date(time).toISOString().startsWith(day);
  if (!isDay) throw new ServiceError('bad_request', `${name}: must be a day like 2027-01-31`);
  return day;
}

function isUsageGroup(name: string): name is UsageGroup {
  return Object.hasOwn(USAGE_GROUPS, name);
}
