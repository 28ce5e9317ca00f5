import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { testedKinds } from '../../src/storage/__fixtures__/databases.js';
import { newFolder, removeFolder, startMain, urlOf } from '../support/start-main.js';
import { type Run, runChiron } from './run-chiron.js';

vi.setConfig({ testTimeout: 120_000 });

const ADMIN_URL = process.env['CHIRON_TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const hasPostgres = (await testedKinds()).includes('postgres');

let folder: string;

beforeEach(() => {
  folder = newFolder();
});
afterEach(() => removeFolder(folder));

const migrate = (environment: Readonly<Record<string, string>> = {}): Promise<Run> =>
  runChiron(folder, ['migrate'], environment);

async function query(url: string, text: string): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

describe('chiron migrate on SQLite', () => {
  it('makes the store, and changes nothing when it is run again', async () => {
    const done = {
      status: 0,
      stdout: `The store (SQLite in ${folder}/data) has the schema of this version.\n`,
      stderr: '',
    };
    expect(await migrate()).toEqual(done);
    expect(existsSync(join(folder, 'data/chiron.sqlite'))).toBe(true);
    expect(await migrate()).toEqual(done);
  });

  it('refuses while a server runs on the store', async () => {
    const start = await startMain({ cwd: folder });
    expect(urlOf(start)).toContain('http');
    const { status, stderr } = await migrate();
    expect([status, stderr]).toEqual([1, expect.stringMatching(/another Chiron .*uses the data folder .*\.\n$/)]);
    start.signal('SIGTERM');
    expect(await start.exit).toBe(0);
  });
});

describe('A version that is rolled back', () => {
  it('does not start on a store with a newer schema, and says which change it does not know', async () => {
    await migrate();
    const store = new DatabaseSync(join(folder, 'data/chiron.sqlite'));
    store.exec("insert into kysely_migration values ('9999-of-tomorrow', '2100-01-01T00:00:00.000Z')");
    store.close();
    const start = await startMain({ cwd: folder });
    expect([await start.exit, start.output()]).toEqual([1, expect.stringContaining('9999-of-tomorrow')]);
  });
});

if (!hasPostgres) console.log('chiron migrate is not tried on PostgreSQL: none answers.');
describe.runIf(hasPostgres)('chiron migrate on PostgreSQL', () => {
  let url: string;

  beforeEach(async () => {
    const name = `chiron_test_${randomUUID().replaceAll('-', '')}`;
    await query(ADMIN_URL, `create database ${name}`);
    url = Object.assign(new URL(ADMIN_URL), { pathname: `/${name}` }).href;
  });
  afterEach(async () => {
    await query(ADMIN_URL, `drop database ${new URL(url).pathname.slice(1)} with (force)`);
  });

  it('makes the tables of threads and of jobs, also beside a server on them', async () => {
    const host = new URL(url).host;
    const done = {
      status: 0,
      stdout: `The store (PostgreSQL at ${host}${new URL(url).pathname}) has the schema of this version.\n`,
      stderr: '',
    };
    expect(await migrate({ CHIRON_DATABASE_URL: url })).toEqual(done);
    expect(await query(url, 'select count(*)::int as count from threads')).toEqual([{ count: 0 }]);
    expect(await query(url, 'select count(*)::int as count from graphile_worker._private_jobs')).toEqual([
      { count: 0 },
    ]);
    const start = await startMain({ cwd: folder, environment: { CHIRON_DATABASE_URL: url } });
    expect(urlOf(start)).toContain('http');
    expect(await migrate({ CHIRON_DATABASE_URL: url })).toEqual(done);
    start.signal('SIGTERM');
    expect(await start.exit).toBe(0);
  });

  it('fails in a sentence without the password when the store cannot be opened', async () => {
    const { status, stderr } = await migrate({ CHIRON_DATABASE_URL: 'postgres://chiron:hidden@127.0.0.1:1/chiron' });
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^Chiron failed: cannot open the store .*\n$/)]);
    expect(stderr).not.toContain('hidden');
  });
});
