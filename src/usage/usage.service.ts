import { Injectable } from '@nestjs/common';
import { type UsageFilter, type UsageGroup, UsageStore } from '../storage/stores/usage.store.js';
import { toUsageRow, type UsageReport } from './usage-views.js';

/** Sums usage up, for the API and the command line. Rejects when the store cannot be reached. */
@Injectable()
export class UsageService {
  constructor(private readonly usage: UsageStore) {}

  async report(filter: UsageFilter, groups: readonly UsageGroup[]): Promise<UsageReport> {
    const [sums, totals] = [await this.usage.sum(filter, groups), await this.usage.sum(filter)];
    const [total] = totals;
    if (total === undefined) throw new Error('unreachable: a sum without groups is one row');
    return {
      from: filter.from ?? null,
      to: filter.to ?? null,
      group_by: groups,
      data: sums.map(toUsageRow),
      total: toUsageRow(total),
    };
  }
}
