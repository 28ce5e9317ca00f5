import { afterEach, beforeEach, expect, it } from 'vitest';
import { PostgresJobs } from '../../src/cluster/postgres-jobs.js';
import { newStore, type TestStore } from '../../src/storage/__fixtures__/databases.js';
import { TcpProxy } from './support/tcp-proxy.js';

let store: TestStore;
let network: TcpProxy;
let jobs: PostgresJobs;
const placed: string[] = [];

beforeEach(async () => {
  store = await newStore('postgres');
  const url = new URL(store.options.databaseUrl ?? '');
  network = await TcpProxy.to(Number(url.port === '' ? 5432 : url.port));
  url.port = String(network.port);
  jobs = await PostgresJobs.open({ databaseUrl: url.href, role: 'all' }, store.database);
  placed.length = 0;
});

afterEach(async () => {
  network.mend();
  await jobs.onApplicationShutdown();
  network.close();
  await store.remove();
});

const add = (threadId: string) =>
  store.database.transaction((transaction) => jobs.addPlacements(transaction, [threadId]));

it('the jobs of a server go on after the store was away when one of them ended', { timeout: 60_000 }, async () => {
  jobs.onPlacement((threadId) => {
    placed.push(threadId);
    if (threadId === 'first') network.cut();
    return Promise.resolve(true);
  });
  await jobs.onApplicationBootstrap();
  await add('first');
  await expect.poll(() => placed, { timeout: 20_000 }).toEqual(['first']);
  // Whoever could not store the end of a job knows it by now.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  network.mend();
  await add('second');
  await expect.poll(() => placed, { timeout: 30_000 }).toContain('second');
});
