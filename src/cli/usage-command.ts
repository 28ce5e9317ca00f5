import { type Command, Option } from 'commander';
import type { UsageReport, UsageRow } from '../usage/usage-views.js';
import { JSON_OPTION, type JsonOption, print } from './print.js';
import { renderTable } from './render-table.js';

interface UsageOptions extends JsonOption {
  readonly from?: string;
  readonly to?: string;
  readonly by?: string;
  readonly tenant?: string;
  readonly csv?: boolean;
}

/** Adds the command for tokens and cost. It works on the store, also while the server runs. */
export function addUsageCommand(program: Command): void {
  program
    .command('usage')
    .description('tokens and cost of the turns that have ended')
    .option('--from <day>', 'the first day, in UTC: 2027-01-01')
    .option('--to <day>', 'the last day')
    .option('--by <groups>', 'a row for each tenant, key, user, model, harness, day, or several of them: model,day')
    .option('-t, --tenant <name>', 'of this tenant only')
    .addOption(new Option('--csv', 'print CSV').conflicts('json'))
    .option(...JSON_OPTION)
    .action(async ({ json, csv, by, ...rest }: UsageOptions) => {
      const { parseUsageQuery } = await import('../usage/usage-query.js');
      const { groups, from, to, tenant } = parseUsageQuery({ ...rest, group_by: by });
      const { withUsage } = await import('./store-administration.js');
      const report = await withUsage((usage) => usage.report({ from, to, tenant }, groups));
      const { toUsageCsv } = await import('../usage/usage-views.js');
      if (csv === true) process.stdout.write(toUsageCsv(report));
      else print(json, report, () => renderReport(report));
    });
}

function renderReport({ group_by, data, total }: UsageReport): string {
  const titles = [...group_by, 'turns', 'input', 'output', 'cache read', 'cache written', 'US dollars', 'unpriced'];
  const rows = data.map((row) => [...group_by.map((group) => row[group] ?? null), ...toCells(row)]);
  // Without groups, the one row is the total.
  const sum = group_by.map((_, index) => (index === 0 ? 'total' : ''));
  return renderTable(titles, group_by.length === 0 ? rows : [...rows, [...sum, ...toCells(total)]]);
}

function toCells(row: UsageRow): readonly (string | number | null)[] {
  return [
    ...[row.turns, row.input_tokens, row.output_tokens, row.cache_read_tokens, row.cache_creation_tokens],
    ...[row.cost_usd?.toFixed(6) ?? null, row.unpriced_turns],
  ];
}
