import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3_BUCKET, S3_KEY_ID, startS3Server } from '../../support/s3-server.js';
import { TestCluster } from './cluster.js';

/** Where a cluster keeps the files of its threads: on each worker, in a bucket, or in a folder that all workers have. */
export type TestThreadStore = 'local' | 's3' | 'shared';

/** A cluster, and what its files are in. */
export interface StoredCluster {
  readonly cluster: TestCluster;
  /** Ends the servers, and removes their files. */
  close(): Promise<void>;
}

/** Starts a cluster with its threads' files in this kind of store. */
export async function startWithStore(store: TestThreadStore): Promise<StoredCluster> {
  const { variables, close } = await openStore(store);
  const cluster = await TestCluster.start({ CHIRON_THREAD_STORE: store, ...variables });
  return {
    cluster,
    close: async () => {
      await cluster.close();
      await close();
    },
  };
}

interface OpenStore {
  readonly variables: Readonly<Record<string, string>>;
  readonly close: () => Promise<void>;
}

async function openStore(store: TestThreadStore): Promise<OpenStore> {
  if (store === 'local') return { variables: {}, close: () => Promise.resolve() };
  if (store === 's3') {
    const s3 = await startS3Server();
    const variables = {
      CHIRON_S3_ENDPOINT: s3.url,
      CHIRON_S3_BUCKET: S3_BUCKET,
      CHIRON_S3_ACCESS_KEY_ID: S3_KEY_ID,
      CHIRON_S3_SECRET_ACCESS_KEY: 'any',
    };
    return { variables, close: () => s3.close() };
  }
  const shared = mkdtempSync(join(tmpdir(), 'chiron-shared-'));
  // The users of isolated threads pass through it.
  chmodSync(shared, 0o711);
  mkdirSync(join(shared, 'volume'));
  return {
    variables: { CHIRON_SHARED_DIRECTORY: join(shared, 'volume') },
    close: async () => rmSync(shared, { recursive: true, force: true }),
  };
}
