import { afterEach, describe, expect, it } from 'vitest';
import { ask, askUntilAnswered } from './support/caller.js';
import type { TestCluster } from './support/cluster.js';
import { startWithStore, type StoredCluster, type TestThreadStore } from './support/thread-store.js';

let stored: StoredCluster | undefined;

afterEach(async () => {
  await stored?.close();
  stored = undefined;
});

async function startWith(store: TestThreadStore): Promise<TestCluster> {
  stored = await startWithStore(store);
  return stored.cluster;
}

/** The worker that has the only thread. */
async function findHolder(servers: TestCluster): Promise<string> {
  const [row] = await servers.query('select nodes.name from threads join nodes on nodes.id = threads.node');
  return String(row?.['name']);
}

describe.each(['s3', 'shared'] as const)('a thread with its files in %s', (store) => {
  it('goes on with them on another worker as soon as its own has stopped', async () => {
    const servers = await startWith(store);
    await ask(servers.url, '!echo first > note', { thread: 'moved' });
    const first = await findHolder(servers);
    const { start } = servers.server(first);
    start.signal('SIGTERM');
    expect(await start.exit).toBe(0);
    const answer = await askUntilAnswered(servers.url, '!cat note; echo second >> note', { thread: 'moved' });
    expect(answer.results).toEqual(['first']);
    expect(await findHolder(servers)).not.toBe(first);
    // And back again: what the first worker has on its disk is older.
    await servers.restart(first);
    const second = servers.server(await findHolder(servers)).start;
    second.signal('SIGTERM');
    expect(await second.exit).toBe(0);
    const last = await askUntilAnswered(servers.url, '!cat note', { thread: 'moved' });
    expect(last.results).toEqual(['first\nsecond']);
    expect(await findHolder(servers)).toBe(first);
  });

  it('goes on with them on another worker after its own was killed', async () => {
    const servers = await startWith(store);
    await ask(servers.url, '!echo first > note', { thread: 'killed' });
    const first = await findHolder(servers);
    // A bucket gets them a moment after the answer.
    if (store === 's3') {
      await expect
        .poll(async () => (await servers.query('select snapshot from threads'))[0]?.['snapshot'], { timeout: 30_000 })
        .not.toBeNull();
    }
    servers.server(first).start.signal('SIGKILL');
    const answer = await askUntilAnswered(servers.url, '!cat note', { thread: 'killed' });
    expect(answer.results).toEqual(['first']);
    expect(await findHolder(servers)).not.toBe(first);
  });
});
