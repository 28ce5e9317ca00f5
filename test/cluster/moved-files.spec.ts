import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { S3_BUCKET, S3_KEY_ID, type S3Server, startS3Server } from '../support/s3-server.js';
import { ask, askUntilAnswered } from './support/caller.js';
import { TestCluster } from './support/cluster.js';

let cluster: TestCluster | undefined;
let s3: S3Server | undefined;
let shared: string | undefined;

afterEach(async () => {
  await cluster?.close();
  await s3?.close();
  if (shared !== undefined) rmSync(shared, { recursive: true, force: true });
  [cluster, s3, shared] = [undefined, undefined, undefined];
});

async function startWith(store: 's3' | 'shared'): Promise<TestCluster> {
  if (store === 's3') {
    s3 = await startS3Server();
    cluster = await TestCluster.start({
      CHIRON_THREAD_STORE: 's3',
      CHIRON_S3_ENDPOINT: s3.url,
      CHIRON_S3_BUCKET: S3_BUCKET,
      CHIRON_S3_ACCESS_KEY_ID: S3_KEY_ID,
      CHIRON_S3_SECRET_ACCESS_KEY: 'any',
    });
  } else {
    shared = mkdtempSync(join(tmpdir(), 'chiron-shared-'));
    chmodSync(shared, 0o711);
    mkdirSync(join(shared, 'volume'));
    cluster = await TestCluster.start({
      CHIRON_THREAD_STORE: 'shared',
      CHIRON_SHARED_DIRECTORY: join(shared, 'volume'),
    });
  }
  return cluster;
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
    if (s3 !== undefined) {
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
