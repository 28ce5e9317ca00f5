import type { Command } from 'commander';
import type { ListedThread } from '../sessions/dto/listed-thread.js';
import { JSON_OPTION, type JsonOption, print } from './print.js';
import { renderTable } from './render-table.js';

/** The longest list. More than a page of the session API, because there is no next page here. */
const MAX_LISTED = 1_000;

interface ThreadsOptions extends JsonOption {
  readonly tenant?: string;
  readonly search?: string;
  readonly limit?: string;
}

/** Adds the command that lists threads. It works on the store, also while the server runs. */
export function addThreadsCommand(program: Command): void {
  program
    .command('threads')
    .description('list the threads, last changed first')
    .option('-t, --tenant <name>', 'of this tenant only')
    .option('-s, --search <text>', 'those with this text in their key, in any case')
    .option('-l, --limit <count>', `how many, at most ${MAX_LISTED} (default: 20)`)
    .option(...JSON_OPTION)
    .action(async ({ json, tenant, ...query }: ThreadsOptions) => {
      const { parseListQuery } = await import('../sessions/dto/list-query.js');
      const { limit, search } = parseListQuery(query, MAX_LISTED);
      const { withThreads } = await import('./store-administration.js');
      const found = await withThreads((threads) =>
        threads.list(tenant, { limit, ...(search === undefined ? {} : { search }) }),
      );
      const { toListedThread } = await import('../sessions/dto/listed-thread.js');
      const listed = found.map(toListedThread);
      print(json, listed, () => renderThreads(listed));
    });
}

function renderThreads(threads: readonly ListedThread[]): string {
  const titles = ['thread', 'tenant', 'harness', 'state', 'turns', 'last activity'];
  const rows = threads.map((thread) => [
    ...[thread.thread_key, thread.tenant, thread.harness],
    ...[thread.status, thread.turn_count, thread.updated_at],
  ]);
  return renderTable(titles, rows);
}
