import { join } from 'node:path';
import type { FactoryProvider } from '@nestjs/common';
import { AppConfig } from '../config/app-config.js';
import { ConfigurationError } from '../config/configuration-error.js';
import { Sandbox } from '../sandbox/sandbox.js';
import { SnapshotStore } from '../storage/stores/snapshot.store.js';
import { createObjectStore } from './create-object-store.js';
import { toLeftOut } from './left-out.js';
import { LocalNotes } from './local-notes.js';
import { ObjectSnapshots } from './object-snapshots.js';
import { SnapshotKeeper, type SnapshotRows } from './snapshot-keeper.js';

/** More files would make the lists of files too long for the server's memory. */
const MAX_ENTRIES = 300_000;

/** What the agents' programs have to say about their files. */
export interface AgentFiles {
  /** Paths below a thread's folder that hold for one machine only, are made anew, or are secrets; `*` in the last name matches any text. */
  readonly leftOut: readonly string[];
  /** The programs' own folders, below a thread's folder. */
  readonly recordFolders: readonly string[];
}

/**
 * The provider of the deployment's {@link SnapshotKeeper}. The server does not start if its bucket cannot be used.
 *
 * @param token of what the agents' programs have to say
 */
export function provideSnapshotKeeper<Source>(
  token: symbol,
  toAgentFiles: (source: Source) => AgentFiles,
): FactoryProvider<SnapshotKeeper> {
  return {
    provide: SnapshotKeeper,
    inject: [AppConfig, Sandbox, SnapshotStore, token],
    useFactory: (config: AppConfig, sandbox: Sandbox, rows: SnapshotRows, source: Source) =>
      createSnapshotKeeper(config, sandbox, rows, toAgentFiles(source)),
  };
}

/**
 * Makes the keeper of a deployment.
 *
 * @throws ConfigurationError if its bucket cannot be used
 */
async function createSnapshotKeeper(
  config: AppConfig,
  sandbox: Sandbox,
  rows: SnapshotRows,
  { leftOut, recordFolders }: AgentFiles,
): Promise<SnapshotKeeper> {
  if (config.threadStore !== 's3') return new SnapshotKeeper();
  const store = await createObjectStore(config);
  const notes = new LocalNotes(join(config.dataDirectory, 'snapshots'));
  const contents = {
    isLeftOut: toLeftOut(leftOut),
    recordFolders,
    limits: { bytes: config.snapshotLimitBytes, entries: MAX_ENTRIES },
  };
  const templateFiles = leftOut.filter((path) => !path.includes('*'));
  const snapshots = new ObjectSnapshots(store, sandbox, notes, contents, templateFiles);
  const keeper = new SnapshotKeeper({ snapshots, rows, notes, sandbox });
  try {
    await keeper.check();
  } catch (error) {
    const reason = error instanceof Error ? error.name : 'unknown error';
    throw new ConfigurationError(new Map([['CHIRON_S3_BUCKET', `names a bucket that cannot be used (${reason})`]]));
  }
  return keeper;
}
