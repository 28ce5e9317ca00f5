import { cpSync, appendFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askUntilAnswered } from './support/caller.js';
import { TestCluster } from './support/cluster.js';

let cluster: TestCluster;

beforeEach(async () => {
  cluster = await TestCluster.start({ CHIRON_DRAIN_SECONDS: '5' });
});

afterEach(() => cluster.close());

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

/** What a next version adds to the schema, as the code of its migrations. */
const EXPANSION = `
MIGRATIONS['9999-next'] = {
  async up(database) {
    await database.schema.alterTable('turns').addColumn('next_note', 'text', (column) => column.notNull().defaultTo('none')).execute();
    await database.schema.alterTable('threads').addColumn('next_label', 'text').execute();
    await database.schema.createTable('next_things').addColumn('id', 'text', (column) => column.primaryKey()).execute();
    await database.schema.createIndex('next_labels').on('threads').column('next_label').execute();
  },
};
`;

/** Makes a version of the server with a newer schema: this one, with one more migration. Returns its program. */
function makeNextVersion(folder: string): string {
  mkdirSync(folder);
  cpSync(join(PROJECT, 'build'), join(folder, 'build'), { recursive: true });
  cpSync(join(PROJECT, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
  appendFileSync(join(folder, 'build/storage/database/migrations/index.js'), EXPANSION);
  return join(folder, 'build/main.js');
}

const THREADS = 20;

describe('a rolling upgrade to a version that adds to the schema', () => {
  it('loses no turn while servers of both versions run, and keeps an older server from starting again', async () => {
    const next = makeNextVersion(cluster.file('next'));
    const over = { isOver: false };
    const asked: string[] = [];
    const drive = async (thread: number): Promise<void> => {
      for (let turn = 1; !over.isOver || turn <= 3; turn += 1) {
        const idempotencyKey = `${thread}-${turn}`;
        asked.push(idempotencyKey);
        // A thread for three turns, so that every server gets new ones.
        const name = `upgraded-${thread}-${Math.floor((turn - 1) / 3)}`;
        await askUntilAnswered(cluster.url, '/stream 5 100', { thread: name, idempotencyKey });
      }
    };
    const load = Promise.all(Array.from({ length: THREADS }, (_, thread) => drive(thread)));
    const upgrade = async (name: string): Promise<void> => {
      cluster.server(name).start.signal('SIGTERM');
      await cluster.restart(name, next);
    };
    const answered = async (): Promise<number> =>
      Number((await cluster.query(`select count(*) as count from turns where state = 'completed'`))[0]?.['count']);
    await expect.poll(answered, { timeout: 60_000 }).toBeGreaterThan(THREADS);
    await upgrade('w1');
    await upgrade('g1');
    // Both versions work: the callers go on for a while.
    const before = await answered();
    await expect.poll(answered, { timeout: 60_000 }).toBeGreaterThan(before + THREADS * 2);
    const holders = async (): Promise<readonly Record<string, unknown>[]> =>
      cluster.query(
        `select distinct nodes.name from threads join nodes on nodes.id = threads.node
          join turns on turns.thread_id = threads.id where turns.state = 'running' order by name`,
      );
    await expect.poll(holders, { timeout: 60_000 }).toEqual([{ name: 'w1' }, { name: 'w2' }]);

    const old = await cluster.startApart('old');
    expect(await old.exit).toBe(1);
    expect(old.output()).toContain('newer version');

    await upgrade('w2');
    await upgrade('g2');
    over.isOver = true;
    await load;
    const [count] = await cluster.query(
      `select count(*)::int as turns, count(*) filter (where state = 'completed')::int as completed from turns`,
    );
    expect(count).toEqual({ turns: asked.length, completed: asked.length });
  }, 240_000);
});
