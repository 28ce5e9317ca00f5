import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { newStore, testedKinds, type TestStore } from '../../src/storage/__fixtures__/databases.js';
import { ask } from '../support/requests.js';
import { newFolder, removeFolder, startMain, type Start, urlOf } from '../support/start-main.js';

/** Collects garbage in the server again and again. */
const GREEDY = ['--expose-gc', '--import', 'data:text/javascript,setInterval(() => gc(), 500).unref()'];

// A server that is refused has waited for the other one.
vi.setConfig({ testTimeout: 90_000 });

let folder: string;
let starts: Start[];

beforeEach(() => {
  folder = newFolder();
  starts = [];
});

afterEach(async () => {
  for (const start of starts) start.signal('SIGKILL');
  await Promise.all(starts.map((start) => start.exit));
  removeFolder(folder);
});

/** Starts a server in a folder of its own, on a data folder that may be another's. */
async function server(name: string, dataFolder: string, more: Readonly<Record<string, string>> = {}): Promise<Start> {
  const cwd = join(folder, `in-${name}`);
  mkdirSync(cwd, { recursive: true });
  const environment = { CHIRON_DATA_DIR: join(folder, dataFolder), ...more };
  const start = await startMain({ cwd, environment, nodeOptions: name === 'first' ? GREEDY : [] });
  starts.push(start);
  return start;
}

async function isRefused(start: Start, words: RegExp): Promise<void> {
  expect(await start.exit).toBe(1);
  expect(start.output()).toMatch(words);
  expect(start.output().trim().split('\n')).toHaveLength(1);
}

async function load(start: Start): Promise<void> {
  const body = JSON.stringify(ask('!head -c 100000 /dev/zero | tr "\\\\0" x', { model: 'demo' }));
  const headers = { 'content-type': 'application/json' };
  const answers = Array.from({ length: 20 }, () =>
    fetch(`${urlOf(start)}/v1/messages`, { method: 'POST', headers, body }),
  );
  for (const answer of await Promise.all(answers))
    expect([answer.status, await answer.text()]).toEqual([200, expect.any(String)]);
}

describe('a second server on the same data folder', () => {
  it('is refused for as long as the first one lives, under load, by whatever path it comes', async () => {
    const first = await server('first', 'data');
    symlinkSync(join(folder, 'data'), join(folder, 'link'));
    const paths = ['data', 'link', 'link/../data/.'];
    const [others] = await Promise.all([
      Promise.all(paths.map((path, index) => server(`other-${index}`, path))),
      load(first).then(() => load(first)),
    ]);
    for (const start of others)
      await isRefused(start, new RegExp(`another Chiron \\(process ${first.pid}\\) uses the data folder`));
    expect((await fetch(`${urlOf(first)}/healthz`)).status).toBe(200);
  });

  it('is let in as soon as the first one has stopped, or was killed', async () => {
    const first = await server('first', 'data');
    first.signal('SIGTERM');
    // It waits for one that is just stopping.
    const second = await server('second', 'data');
    urlOf(second);
    expect(await first.exit).toBe(0);
    second.signal('SIGKILL');
    const third = await server('third', 'data');
    urlOf(third);
  });

  it('stops the first one when it got in because somebody removed the lock', async () => {
    const first = await server('first', 'data');
    // Else it would notice, and take the new one.
    first.signal('SIGSTOP');
    rmSync(join(folder, 'data', 'chiron.lock'));
    const second = await server('second', 'data');
    urlOf(second);
    first.signal('SIGCONT');
    expect(await first.exit).toBe(1);
    expect(first.output()).toMatch(/Chiron stops: another Chiron \(process \d+\) uses the data folder/);
    expect((await fetch(`${urlOf(second)}/healthz`)).status).toBe(200);
  });
});

describe.runIf((await testedKinds()).includes('postgres'))('a second server on the same PostgreSQL database', () => {
  let store: TestStore;
  let database: { readonly CHIRON_DATABASE_URL: string };

  beforeEach(async () => {
    store = await newStore('postgres');
    database = { CHIRON_DATABASE_URL: store.options.databaseUrl ?? '' };
  });

  afterEach(async () => {
    for (const start of starts) start.signal('SIGKILL');
    await Promise.all(starts.map((start) => start.exit));
    await store.remove();
  });

  async function administer(statement: string): Promise<void> {
    const client = new pg.Client(database.CHIRON_DATABASE_URL);
    await client.connect();
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  }

  /** Those of this database alone: other tests have servers of their own at the same PostgreSQL. */
  const cutConnections = (): Promise<void> =>
    administer(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where application_name like 'chiron%' and datname = current_database()`,
    );

  it('becomes another server of the same store, on a data folder of its own', async () => {
    const first = await server('first', 'one', database);
    const [second, other] = await Promise.all([
      server('second', 'one', database),
      server('other', 'two', database),
      load(first),
    ]);
    await isRefused(second, /uses the data folder/);
    await load(other);
    expect((await fetch(`${urlOf(first)}/healthz`)).status).toBe(200);
  });

  it('is refused while one from before there were several has the database', async () => {
    const older = new pg.Client({
      connectionString: database.CHIRON_DATABASE_URL,
      application_name: 'chiron: process 1 on older',
    });
    await older.connect();
    try {
      await older.query(
        `select pg_advisory_lock((1128810834::bigint << 32) | to_regnamespace(current_schema())::oid::bigint)`,
      );
      await isRefused(
        await server('first', 'one', database),
        /another Chiron \(process 1 on older\) uses PostgreSQL at/,
      );
    } finally {
      await older.end();
    }
  });

  it('is let in with tables of its own, in another schema', async () => {
    await administer('create schema "the other"');
    const url = new URL(database.CHIRON_DATABASE_URL);
    url.searchParams.set('options', '-c search_path="the\\ other"');
    const first = await server('first', 'one', database);
    const second = await server('second', 'two', { CHIRON_DATABASE_URL: url.href });
    expect(urlOf(first)).not.toBe(urlOf(second));
  });

  it('goes on after all connections of the first one broke', async () => {
    const first = await server('first', 'one', database);
    await cutConnections();
    await load(first);
    expect((await fetch(`${urlOf(first)}/healthz`)).status).toBe(200);
  });
});
