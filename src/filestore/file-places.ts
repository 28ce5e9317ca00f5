import { join } from 'node:path';
import type { FactoryProvider } from '@nestjs/common';
import { AppConfig } from '../config/app-config.js';
import { createObjectStore } from '../snapshots/create-object-store.js';
import { FileChunkStore } from '../storage/stores/file-chunk.store.js';
import type { FilePlace } from '../storage/stores/file.store.js';
import { BucketBytes } from './bucket-bytes.js';
import { DatabaseBytes } from './database-bytes.js';
import type { FileBytes } from './file-bytes.js';
import { FolderBytes } from './folder-bytes.js';

/** Name of the folder with the bytes of files. */
const FOLDER = 'files';

/**
 * Where the bytes of files are, so that every server of the deployment can read them:
 *
 * | files of threads    | store      | bytes of files                                                        |
 * | ------------------- | ---------- | --------------------------------------------------------------------- |
 * | `s3`                | any        | the bucket                                                            |
 * | `shared`            | any        | the shared folder                                                     |
 * | `local`             | SQLite     | the data folder, which one server has                                 |
 * | `local`             | PostgreSQL | the database, as the servers need not have anything else in common    |
 */
export class FilePlaces {
  constructor(
    /** Where new files go. */
    readonly current: FilePlace,
    private readonly places: Readonly<Partial<Record<FilePlace, FileBytes>>>,
  ) {}

  /** `undefined` for a place that the deployment has no more. */
  find(place: FilePlace): FileBytes | undefined {
    return this.places[place];
  }
}

/** The provider of {@link FilePlaces}. */
export const filePlaces: FactoryProvider<FilePlaces> = {
  provide: FilePlaces,
  inject: [AppConfig, FileChunkStore],
  useFactory: async (config: AppConfig, chunks: FileChunkStore) => {
    const folder = new FolderBytes(join(config.sharedDirectory ?? config.dataDirectory, FOLDER));
    // What was uploaded before a setting changed is still read from where it is.
    const others = { folder, database: new DatabaseBytes(chunks) };
    switch (config.threadStore) {
      case 's3':
        return new FilePlaces('bucket', { ...others, bucket: new BucketBytes(await createObjectStore(config)) });
      case 'shared':
        return new FilePlaces('folder', others);
      case 'local':
        return new FilePlaces(config.databaseUrl === undefined ? 'folder' : 'database', others);
      default:
        return config.threadStore satisfies never;
    }
  },
};
