// Databases for tests: one SQLite folder, and one PostgreSQL database that is dropped afterwards.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { Database, type DatabaseKind } from '../database/database.js';
import { EventLog } from '../event-log/event-log.js';
import type { StorageOptions } from '../storage-options.js';
import { ThreadStore, type NewThread } from '../stores/thread.store.js';
import { TurnStore, type NewTurn, type Turn, type TurnOutcome } from '../stores/turn.store.js';

const ADMIN_URL = process.env['CHIRON_TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: ADMIN_URL, connectionTimeoutMillis: 3_000 });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** The databases that the contract is tested on: PostgreSQL only where a server answers, unless it is required. */
export async function testedKinds(): Promise<readonly DatabaseKind[]> {
  try {
    await administer('select 1');
    return ['sqlite', 'postgres'];
  } catch (error) {
    if (process.env['CHIRON_TEST_REQUIRE_POSTGRES'] === '1') throw error;
    console.log('No PostgreSQL answers: the storage contract is tested on SQLite only.');
    return ['sqlite'];
  }
}

/** A new, empty store with the services on top of it. */
export interface TestStore {
  readonly options: StorageOptions;
  readonly database: Database;
  readonly threads: ThreadStore;
  readonly turns: TurnStore;
  readonly log: EventLog;
  /** Opens the same store a second time, as another process would. */
  again(): Promise<TestStore>;
  /** Closes the store and deletes it. */
  remove(): Promise<void>;
}

export async function newStore(kind: DatabaseKind): Promise<TestStore> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'chiron-storage-'));
  const name = `chiron_test_${randomUUID().replaceAll('-', '')}`;
  if (kind === 'postgres') await administer(`create database ${name}`);
  const url = new URL(ADMIN_URL);
  url.pathname = `/${name}`;
  const options: StorageOptions = {
    dataDirectory,
    databaseUrl: kind === 'postgres' ? url.href : undefined,
    flushMs: 1,
    finishRetryMs: 200,
    pollMs: 10,
  };
  const stores: TestStore[] = [];
  const remove = async (): Promise<void> => {
    for (const store of stores.splice(0)) {
      await store.log.close();
      await store.database.close();
    }
    if (kind === 'postgres') await administer(`drop database if exists ${name} with (force)`);
    await rm(dataDirectory, { recursive: true, force: true });
  };
  const open = async (): Promise<TestStore> => {
    const database = await Database.open(options);
    const store: TestStore = {
      options,
      database,
      threads: new ThreadStore(database),
      turns: new TurnStore(database),
      log: new EventLog(database, options),
      again: open,
      remove,
    };
    stores.push(store);
    return store;
  };
  return open();
}

export function newThread(changes: Partial<NewThread> = {}): NewThread {
  return {
    id: randomUUID(),
    tenant: 'acme',
    key: `api:${randomUUID()}`,
    harness: 'demo',
    model: 'claude-opus-5',
    harnessModel: undefined,
    systemPrompt: undefined,
    metadata: { colour: 'blue' },
    createdAt: 1_000,
    ...changes,
  };
}

export function newTurn(threadId: string, changes: Partial<NewTurn> = {}): NewTurn {
  return {
    id: randomUUID(),
    messageId: `msg_${randomUUID()}`,
    threadId,
    requestKey: 'same',
    idempotencyKey: undefined,
    caller: 'sdk',
    prompt: [{ type: 'text', text: 'hello' }],
    request: { stream: true },
    createdAt: 1_000,
    ...changes,
  };
}

/** A thread with a turn that is claimed and live in the log. */
export async function runningTurn(store: TestStore): Promise<Turn> {
  const { thread } = await store.threads.findOrCreate(newThread());
  const { turn } = await store.turns.create(newTurn(thread.id));
  const claimed = await store.turns.claim(turn.id, { owner: 'a', now: 2_000 });
  if (claimed === undefined) throw new Error('the turn was not claimed');
  await store.log.open(claimed);
  return claimed;
}

export const text = (words: string, id = 'b0'): HarnessEvent => ({ type: 'text-delta', id, text: words });

export const turnEnd: HarnessEvent = { type: 'turn-end', reason: 'end_turn' };

export const completed: TurnOutcome = {
  state: 'completed',
  stopReason: 'end_turn',
  usage: { inputTokens: 3, outputTokens: 2, cacheReadInputTokens: 1, cacheCreationInputTokens: 0, thinkingTokens: 0 },
  bill: { harness: 'demo', model: 'claude-opus-5', costMicros: 42 },
  message: undefined,
  contextUsage: { tokens: 5 },
  callerCalls: [],
  endedAt: 3_000,
};

/** Makes writes to a table fail until the returned function is called. */
export async function breakTable(store: TestStore, table: 'threads' | 'turn_events'): Promise<() => Promise<void>> {
  await store.database.kysely.schema.alterTable(table).renameTo('hidden').execute();
  return () => store.database.kysely.schema.alterTable('hidden').renameTo(table).execute();
}
