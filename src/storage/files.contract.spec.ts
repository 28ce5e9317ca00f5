import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newStore, newThread, newTurn, testedKinds, type TestStore } from './__fixtures__/databases.js';
import { FileChunkStore } from './stores/file-chunk.store.js';
import { FileStore, referToFiles } from './stores/file.store.js';

describe.each(await testedKinds())('uploaded files, on %s', (kind) => {
  let store: TestStore;
  let files: FileStore;

  beforeAll(async () => {
    store = await newStore(kind);
    files = new FileStore(store.database);
  });

  afterAll(() => store.remove());

  const begin = (tenant: string): Promise<string> =>
    files.begin({ tenant, name: 'a.txt', mediaType: 'text/plain', place: 'folder' });
  const complete = (id: string, size = 1, limit = Infinity) =>
    files.complete(id, { size, purpose: undefined, expiresAt: undefined }, limit);

  it('cannot be named until they are complete, nor by another tenant', async () => {
    const id = await begin('one');
    expect(await files.findAll('one', [id])).toEqual([]);
    expect(await complete(id, 3)).toMatchObject({ id, size: 3, name: 'a.txt' });
    expect(await files.findAll('one', [id])).toMatchObject([{ id }]);
    expect(await files.findAll('two', [id])).toEqual([]);
    expect(await files.delete('two', id)).toBe(false);
    expect(await complete(id)).toBe('gone');
  });

  it('that are completed at once get the room of their tenant only once', async () => {
    const ids = await Promise.all(Array.from({ length: 5 }, () => begin('crowded')));
    const done = await Promise.all(ids.map((id) => complete(id, 10, 25)));
    expect(done.filter((each) => each === 'over limit')).toHaveLength(3);
    expect(await files.usedBytes('crowded')).toBe(20);
    expect(await files.usedBytes('nobody')).toBe(0);
  });

  it('are kept for the unfinished turns that refer to them, and no longer', async () => {
    const [id, other] = [await begin('kept'), await begin('other')];
    await Promise.all([complete(id), complete(other)]);
    const { thread } = await store.threads.findOrCreate(newThread());
    let missing: readonly string[] = [];
    const turn = newTurn(thread.id);
    await store.turns.create(turn, undefined, async (transaction) => {
      missing = await referToFiles(transaction, turn.id, 'kept', [id, other, 'file_none']);
    });
    expect(missing).toEqual([other, 'file_none']);
    expect(await files.delete('kept', id)).toBe(true);
    expect(await files.listRemovable(10, id)).toEqual([]);
    expect(await files.findKept(id)).toMatchObject({ id });
    await store.database.kysely.updateTable('turns').set({ state: 'completed' }).where('id', '=', turn.id).execute();
    expect(await files.listRemovable(10, id)).toEqual([{ id, place: 'folder' }]);
    await files.forget(id);
    expect(await files.findKept(id)).toBeUndefined();
  });

  it('whose upload broke off are found', async () => {
    const id = await begin('stale');
    await files.deleteStale(store.database.clock.now() - 60_000);
    expect(await files.listRemovable(10, id)).toEqual([]);
    await files.deleteStale(store.database.clock.now() + 60_000);
    expect(await files.listRemovable(10, id)).toMatchObject([{ id }]);
  });

  it('have their bytes in rows where nothing else is common to the servers', async () => {
    const chunks = new FileChunkStore(store.database);
    const bytes = Buffer.from([0, 1, 255, 128]);
    await chunks.add('file_x', 0, bytes);
    expect(Buffer.compare(Buffer.from((await chunks.read('file_x', 0)) ?? []), bytes)).toBe(0);
    expect(await chunks.read('file_x', 1)).toBeUndefined();
    await chunks.remove('file_x');
    expect(await chunks.read('file_x', 0)).toBeUndefined();
  });
});
