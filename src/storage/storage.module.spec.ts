import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runningTurn, text } from './__fixtures__/databases.js';
import { Database, StorageOpenError } from './database/database.js';
import { EventLog } from './event-log/event-log.js';
import { StorageModule } from './storage.module.js';
import { ThreadStore } from './stores/thread.store.js';
import { TurnStore } from './stores/turn.store.js';

@Injectable()
class Settings {
  folder = '';
}

describe('the storage module', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chiron-storage-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('opens the store in a new folder, and writes pending events before it closes', async () => {
    const options = { dataDirectory: join(folder, 'new', 'data'), databaseUrl: undefined, flushMs: 60_000 };
    const module = await Test.createTestingModule({ imports: [StorageModule.forRoot(options)] }).compile();
    await module.init();
    const [threads, turns, log] = [module.get(ThreadStore), module.get(TurnStore), module.get(EventLog)];
    const database = module.get(Database);
    const store = {
      options,
      database,
      threads,
      turns,
      log,
      again: () => Promise.reject(),
      remove: () => module.close(),
    };
    const { id } = await runningTurn(store);
    log.append(id, [text('a')]);
    await module.close();
    const after = await Database.open(options);
    const rows = await after.kysely.selectFrom('turn_events').select('turn_id').execute();
    expect(rows.map((row) => row.turn_id)).toEqual([id]);
    await after.close();
  });

  it('does not open a store that a newer version has changed, and says so', async () => {
    const options = { dataDirectory: folder, databaseUrl: undefined };
    const store = await Database.open(options);
    await sql`insert into kysely_migration values ('9999-next', '2026-11-27')`.execute(store.kysely);
    await store.close();
    await expect(Database.open(options)).rejects.toThrow(
      /^cannot open the store .*newer version of Chiron .*9999-next/,
    );
  });

  it('builds its options from another provider', async () => {
    const module = await Test.createTestingModule({
      imports: [
        StorageModule.forRootAsync({
          imports: [{ module: class {}, providers: [Settings], exports: [Settings] }],
          inject: [Settings],
          useFactory: () => ({ dataDirectory: folder, databaseUrl: undefined, flushMs: 5 }),
        }),
      ],
    }).compile();
    await module.get(Database).probeWrite();
    await module.close();
  });

  it('fails the start when the store cannot be opened', async () => {
    const options = { dataDirectory: '/dev/null/data', databaseUrl: undefined, flushMs: 5 };
    const starting = Test.createTestingModule({ imports: [StorageModule.forRoot(options)] }).compile();
    await expect(starting).rejects.toThrow(StorageOpenError);
  });
});
