import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import supertest from 'supertest';
import { describe, expect, it } from 'vitest';
import { FileCleanup } from '../../src/filestore/file-cleanup.js';
import { Database } from '../../src/storage/database/database.js';
import { FileStore } from '../../src/storage/stores/file.store.js';
import type { TestApp } from '../support/test-app.js';
import { bytesFolder, getFrom, onDisk, OPENAI, rows, startWithKeys, uploadTo } from './support/files.js';

let app: TestApp;

describe('stored files', () => {
  it('are there after a restart, and what a crash has left is not', async () => {
    app = await startWithKeys();
    const id = await uploadTo(app, 'durable');
    const files = app.app.get(FileStore);
    // As a server leaves it that dies in the middle of an upload, and of a removal.
    const half = await files.begin({ tenant: 'one', name: 'half', mediaType: 'text/plain', place: 'folder' });
    writeFileSync(join(bytesFolder(app), `${half}.part`), 'hal');
    const deleted = await uploadTo(app, 'deleted');
    await files.delete('one', deleted);
    expect(onDisk(app)).toHaveLength(3);
    await app.close({ keepData: true });
    const { dataDirectory } = app;
    app = await startWithKeys({ dataDirectory });
    try {
      expect((await getFrom(app, `/v1/files/${id}/content`).expect(200)).text).toBe('durable');
      expect(onDisk(app)).toEqual([id]);
      expect(await rows(app)).toEqual([`${id} stored`]);
    } finally {
      await app.close();
    }
  });

  it('are removed when they expire', async () => {
    app = await startWithKeys({ fileRetentionMs: 1 });
    try {
      const id = await uploadTo(app, 'short');
      await expect.poll(async () => (await getFrom(app, `/v1/files/${id}`)).status).toBe(404);
      await app.app.get(FileCleanup).run();
      expect([await rows(app), onDisk(app)]).toEqual([[], []]);
    } finally {
      await app.close();
    }
  });

  it('are removed also behind many that cannot be', async () => {
    app = await startWithKeys({ fileRetentionMs: 1 });
    try {
      const stuck = Array.from({ length: 100 }, (_, at) => ({
        id: `file_${at.toString(16).padStart(32, '0')}`,
        tenant: 'one',
        name: 'stuck',
        media_type: 'text/plain',
        size: 1,
        // This server has no bucket.
        place: 'bucket' as const,
        state: 'deleted' as const,
        created_at: 1,
      }));
      await app.app.get(Database).kysely.insertInto('files').values(stuck).execute();
      const id = await uploadTo(app, 'short');
      await expect.poll(async () => (await getFrom(app, `/v1/files/${id}`)).status).toBe(404);
      await app.app.get(FileCleanup).run();
      expect([(await rows(app)).length, onDisk(app)]).toEqual([100, []]);
    } finally {
      await app.close();
    }
  });

  it('that are gone from the disk are a 404, and can be deleted', async () => {
    app = await startWithKeys();
    try {
      const id = await uploadTo(app, 'gone');
      rmSync(join(bytesFolder(app), id));
      await getFrom(app, `/v1/files/${id}/content`).expect(404);
      await supertest(app.url).delete(`/v1/files/${id}`).set(OPENAI).expect(200);
    } finally {
      await app.close();
    }
  });
});
