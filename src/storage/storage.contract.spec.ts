import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newStore, newThread, newTurn, testedKinds, type TestStore } from './__fixtures__/databases.js';
import { Database, StorageOpenError } from './database/database.js';

const lease = (owner: string) => ({ owner, now: 2_000 });

describe.each(await testedKinds())('the stores on %s', (kind) => {
  let store: TestStore;
  let other: TestStore;
  beforeAll(async () => {
    store = await newStore(kind);
    // A process has one connection to SQLite. A second one in the same thread would block the thread while it waits for the first.
    other = kind === 'sqlite' ? store : await store.again();
  });
  afterAll(() => store.remove());

  async function threadWithTurns(count: number) {
    const { thread } = await store.threads.findOrCreate(newThread());
    const turns = [];
    for (let index = 0; index < count; index += 1) turns.push((await store.turns.create(newTurn(thread.id))).turn);
    return { thread, turns };
  }

  it('return a thread as it was created, with times as numbers', async () => {
    const made = newThread({ harnessModel: 'opus', systemPrompt: 'be brief', createdAt: 1_790_000_000_123 });
    const { thread, created } = await store.threads.findOrCreate(made);
    expect(created).toBe(true);
    expect(thread).toEqual({
      ...made,
      sessionId: undefined,
      state: 'idle',
      contextUsage: undefined,
      turnCount: 0,
      generation: 0,
      updatedAt: made.createdAt,
    });
    expect(await store.threads.find('acme', made.key)).toEqual(thread);
    expect(await store.threads.byId(made.id)).toEqual(thread);
  });

  it('create one thread for two concurrent callers', async () => {
    const key = newThread().key;
    const found = await Promise.all([
      store.threads.findOrCreate(newThread({ key })),
      other.threads.findOrCreate(newThread({ key })),
    ]);
    expect(new Set(found.map(({ thread }) => thread.id)).size).toBe(1);
    expect(found.filter(({ created }) => created)).toHaveLength(1);
  });

  it("do not find another tenant's thread", async () => {
    const { thread } = await store.threads.findOrCreate(newThread());
    expect(await store.threads.find('other', thread.key)).toBeUndefined();
  });

  it('list threads page by page, last changed first, without gap or duplicate', async () => {
    const tenant = 'paged';
    for (const createdAt of [1, 3, 2, 3, 3]) await store.threads.findOrCreate(newThread({ tenant, createdAt }));
    const first = await store.threads.list(tenant, { limit: 2 });
    const last = first.at(-1);
    if (last === undefined) throw new Error('no page');
    const rest = await store.threads.list(tenant, { limit: 9, before: last });
    expect([...first, ...rest].map((thread) => thread.updatedAt)).toEqual([3, 3, 3, 2, 1]);
    expect(new Set([...first, ...rest].map((thread) => thread.id)).size).toBe(5);
  });

  it('clear the session id when the harness is switched, and refuse to switch while a turn runs', async () => {
    const { thread, turns } = await threadWithTurns(1);
    const to = { harness: 'codex', harnessModel: 'gpt', now: 9_000 } as const;
    await store.threads.setSession(thread.id, 'session-1');
    expect((await store.threads.byId(thread.id))?.sessionId).toBe('session-1');
    expect(await store.threads.switchHarness(thread.id, to)).toBe(true);
    const switched = await store.threads.byId(thread.id);
    expect(switched).toMatchObject({ harness: 'codex', harnessModel: 'gpt', sessionId: undefined, updatedAt: 9_000 });
    await store.turns.claim(turns[0]?.id ?? '', lease('a'));
    expect(await store.threads.switchHarness(thread.id, to)).toBe(false);
  });

  it('remove a thread with its turns', async () => {
    const { thread, turns } = await threadWithTurns(1);
    expect(await store.threads.remove(thread.id)).toBe(true);
    expect(await store.threads.remove(thread.id)).toBe(false);
    expect(await store.turns.byId(turns[0]?.id ?? '')).toBeUndefined();
  });

  it('return a turn as it was created, by its ids and keys', async () => {
    const { thread } = await threadWithTurns(0);
    const made = newTurn(thread.id, { idempotencyKey: 'once', requestKey: 'key-1' });
    const { turn } = await store.turns.create(made);
    expect(turn).toMatchObject({ ...made, sequence: 1, state: 'queued', attempt: 0 });
    expect(await store.turns.byId(made.id)).toEqual(turn);
    expect(await store.turns.byMessageId(made.messageId)).toEqual(turn);
    expect(await store.turns.byIdempotencyKey(thread.id, 'once')).toEqual(turn);
    expect(await store.turns.byRequestKey('key-1', 1_000)).toEqual([turn]);
    expect(await store.turns.byRequestKey('key-1', 1_001)).toEqual([]);
    expect(await store.turns.latest(thread.id)).toEqual(turn);
  });

  it('number concurrently created turns without gap or duplicate', async () => {
    const { thread } = await threadWithTurns(0);
    const made = await Promise.all(
      [store, other, store, other, store, other].map(({ turns }) => turns.create(newTurn(thread.id))),
    );
    expect(made.map(({ turn }) => turn.sequence).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6]);
    expect((await store.turns.lastTurns(thread.id, 2)).map((turn) => turn.sequence)).toEqual([6, 5]);
    expect((await store.turns.queued(thread.id)).map((turn) => turn.sequence)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('create one turn for two concurrent requests with the same idempotency key', async () => {
    const { thread } = await threadWithTurns(0);
    const made = await Promise.all(
      [store, other].map(({ turns }) => turns.create(newTurn(thread.id, { idempotencyKey: 'once' }))),
    );
    expect(made.filter(({ created }) => created)).toHaveLength(1);
    expect(await store.turns.lastTurns(thread.id, 9)).toHaveLength(1);
  });

  it('reject a turn of a thread that does not exist', async () => {
    await expect(store.turns.create(newTurn('nowhere'))).rejects.toThrow('there is no thread nowhere');
  });

  it('let exactly one of two concurrent claims of a turn succeed', async () => {
    const { thread, turns } = await threadWithTurns(1);
    const id = turns[0]?.id ?? '';
    const claims = await Promise.all([store.turns.claim(id, lease('a')), other.turns.claim(id, lease('b'))]);
    expect(claims.filter((claim) => claim !== undefined)).toHaveLength(1);
    expect((await store.threads.byId(thread.id))?.state).toBe('running');
    const turn = await store.turns.byId(id);
    expect(turn).toMatchObject({ state: 'running', attempt: 1, startedAt: 2_000 });
  });

  it('run only one of two turns of the same thread', async () => {
    const { turns } = await threadWithTurns(2);
    const claims = await Promise.all([
      store.turns.claim(turns[0]?.id ?? '', lease('a')),
      other.turns.claim(turns[1]?.id ?? '', lease('b')),
    ]);
    expect(claims.filter((claim) => claim !== undefined)).toHaveLength(1);
  });

  it('let exactly one of two processes reclaim a dead turn, as its next attempt', async () => {
    const { turns } = await threadWithTurns(1);
    const id = turns[0]?.id ?? '';
    await store.turns.claim(id, lease('a'));
    const taken = await Promise.all([
      store.turns.reclaim(id, { ...lease('b'), fromAttempt: 1 }),
      other.turns.reclaim(id, { ...lease('c'), fromAttempt: 1 }),
    ]);
    expect(taken.filter((turn) => turn !== undefined).map((turn) => turn.attempt)).toEqual([2]);
  });

  it('record an interrupt of a running turn, which its next attempt sees', async () => {
    const { turns } = await threadWithTurns(2);
    const [first, second] = [turns[0]?.id ?? '', turns[1]?.id ?? ''];
    await store.turns.claim(first, lease('a'));
    expect(await store.turns.requestInterrupt(second, 4_000)).toBe(false);
    expect(await store.turns.requestInterrupt(first, 4_000)).toBe(true);
    const next = await store.turns.reclaim(first, { ...lease('b'), fromAttempt: 1 });
    expect(next).toMatchObject({ attempt: 2, owner: 'b', interruptedAt: 4_000 });
  });

  it('cancel a turn only while it is queued', async () => {
    const { turns } = await threadWithTurns(2);
    const [first, second] = [turns[0]?.id ?? '', turns[1]?.id ?? ''];
    await store.turns.claim(first, lease('a'));
    const failure = { kind: 'overloaded', message: 'too many' } as const;
    expect(await store.turns.cancelQueued(first, { now: 4_000, failure })).toBe(false);
    expect(await store.turns.cancelQueued(second, { now: 4_000, failure })).toBe(true);
    expect(await store.turns.byId(second)).toMatchObject({ state: 'cancelled', endedAt: 4_000, failure });
    expect(await store.turns.claim(second, lease('a'))).toBeUndefined();
  });

  it('list unfinished turns oldest first, and keep the time of the first delivery', async () => {
    const { turns } = await threadWithTurns(2);
    const ids = turns.map((turn) => turn.id);
    const unfinished = (await store.turns.unfinished()).map((turn) => turn.id).filter((id) => ids.includes(id));
    expect(unfinished).toEqual(ids);
    await store.turns.markDelivered(ids[0] ?? '', 7_000);
    await store.turns.markDelivered(ids[0] ?? '', 8_000);
    expect((await store.turns.byId(ids[0] ?? ''))?.deliveredAt).toBe(7_000);
  });

  it('can be probed with a write that changes nothing, and closed twice', async () => {
    const third = await store.again();
    await third.database.probeWrite();
    await third.database.close();
    await third.database.close();
    await expect(third.database.probeWrite()).rejects.toThrow();
  });
});

describe('a store that cannot be opened', () => {
  it('names its location and the reason', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'chiron-storage-'));
    await writeFile(
      join(folder, 'chiron.sqlite'),
      'this is a letter, not a database, and it is long enough to be seen',
    );
    const opening = Database.open({ dataDirectory: folder, databaseUrl: undefined });
    await expect(opening).rejects.toThrow(StorageOpenError);
    await expect(opening).rejects.toThrow(/SQLite in .*not a database/);
    await rm(folder, { recursive: true });
  });

  it('does not reveal the password of its URL', async () => {
    const opening = Database.open({
      dataDirectory: '/nowhere',
      databaseUrl: 'postgres://user:secret@127.0.0.1:1/chiron',
    });
    await expect(opening).rejects.toThrow(/PostgreSQL at 127\.0\.0\.1:1\/chiron.*ECONNREFUSED/);
    await expect(opening).rejects.not.toThrow(/secret/);
  });
});
