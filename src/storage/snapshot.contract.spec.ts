import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newStore, newThread, newTurn, testedKinds, type TestStore } from './__fixtures__/databases.js';
import { BranchStore } from './stores/branch.store.js';
import { SnapshotStore } from './stores/snapshot.store.js';

describe.each(await testedKinds())('the current snapshot of a thread, on %s', (kind) => {
  let store: TestStore;
  let snapshots: SnapshotStore;

  beforeAll(async () => {
    store = await newStore(kind);
    snapshots = new SnapshotStore(store.database);
  });

  afterAll(() => store.remove());

  const makeThread = async (): Promise<string> => (await store.threads.findOrCreate(newThread())).thread.id;

  it('is none for a new thread, and then the one that was set last', async () => {
    const id = await makeThread();
    expect(await snapshots.current(id)).toEqual({ snapshot: undefined, generation: 0 });
    expect(await snapshots.set(id, undefined, 'one', 0)).toBe(true);
    expect(await snapshots.set(id, 'one', 'two', 0)).toBe(true);
    expect(await snapshots.current(id)).toEqual({ snapshot: 'two', generation: 0 });
    expect(await snapshots.current('nobody')).toBeUndefined();
    expect(await snapshots.set('nobody', undefined, 'one', 0)).toBe(false);
  });

  it('is not replaced by a server that does not know it', async () => {
    const id = await makeThread();
    await snapshots.set(id, undefined, 'one', 0);
    expect(await snapshots.set(id, undefined, 'other', 0)).toBe(false);
    expect(await snapshots.set(id, 'older', 'other', 0)).toBe(false);
    expect(await snapshots.current(id)).toMatchObject({ snapshot: 'one' });
  });

  it('is won by one of two that replace it at once', async () => {
    const id = await makeThread();
    const won = await Promise.all(['a', 'b', 'c'].map((name) => snapshots.set(id, undefined, name, 0)));
    expect(won.filter(Boolean)).toHaveLength(1);
  });

  it('is not changed by a server that no longer has the thread', async () => {
    const id = await makeThread();
    await store.database.kysely.updateTable('threads').set({ generation: 3 }).where('id', '=', id).execute();
    expect(await snapshots.set(id, undefined, 'late', 2)).toBe(false);
    expect(await snapshots.set(id, undefined, 'right', 3)).toBe(true);
    expect(await store.threads.byId(id)).toMatchObject({ generation: 3 });
  });

  it('is not that of the thread for a branch of it', async () => {
    const id = await makeThread();
    await store.turns.create(newTurn(id));
    await snapshots.set(id, undefined, 'one', 0);
    const branch = { id: `${id}-b`, key: `api:${id}-b`, metadata: {} };
    await store.database.kysely.updateTable('turns').set({ state: 'completed' }).where('thread_id', '=', id).execute();
    await new BranchStore(store.database).split(id, branch, { fromSequence: 1, metadata: {}, now: 5 });
    expect(await snapshots.current(branch.id)).toEqual({ snapshot: undefined, generation: 0 });
    expect(await snapshots.current(id)).toMatchObject({ snapshot: 'one' });
  });
});
