import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completed, newStore, newThread, newTurn, testedKinds, type TestStore } from './__fixtures__/databases.js';
import { BranchStore } from './stores/branch.store.js';
import type { Thread } from './stores/thread.store.js';

describe.each(await testedKinds())('a thread that gives turns to a branch, on %s', (kind) => {
  let store: TestStore;
  let branches: BranchStore;

  beforeAll(async () => {
    store = await newStore(kind);
    branches = new BranchStore(store.database);
  });

  afterAll(() => store.remove());

  /** A thread whose turns have ended, but for the last ones. */
  async function threadOf(ended: number, queued = 0): Promise<Thread> {
    const { thread } = await store.threads.findOrCreate(newThread({ metadata: { fresh: true } }));
    for (let index = 0; index < ended + queued; index += 1) {
      const { turn } = await store.turns.create(newTurn(thread.id, { requestKey: `${thread.id} ${index + 1}` }));
      if (index >= ended) continue;
      await store.turns.claim(turn.id, { owner: 'a', now: 2_000 });
      await store.log.open({ id: turn.id, attempt: 1 });
      await store.log.finish(turn.id, [{ type: 'turn-end', reason: 'end_turn' }], completed);
    }
    return thread;
  }
  const split = (thread: Thread, fromSequence: number) =>
    branches.split(
      thread.id,
      { id: `${thread.id}-b`, key: `${thread.key}~b`, metadata: { branch: 'b' } },
      { fromSequence, metadata: { cut: 'c' }, now: 7_000 },
    );
  const sequencesOf = async (id: string) => (await store.turns.lastTurns(id, 9)).map(({ sequence }) => sequence);

  it('has the earlier turns, and the branch the others', async () => {
    const thread = await threadOf(3);
    await store.threads.setSession(thread.id, 's');
    const after = await split(thread, 2);
    expect(after).toMatchObject({
      id: thread.id,
      state: 'idle',
      turnCount: 1,
      metadata: { cut: 'c' },
      updatedAt: 7_000,
    });
    expect(after).toEqual(await store.threads.byId(thread.id));
    expect(await store.threads.find(thread.tenant, `${thread.key}~b`)).toMatchObject({
      id: `${thread.id}-b`,
      harness: thread.harness,
      sessionId: 's',
      turnCount: 2,
      metadata: { branch: 'b' },
    });
    expect([await sequencesOf(thread.id), await sequencesOf(`${thread.id}-b`)]).toEqual([[1], [3, 2]]);
  });

  it('numbers its next turn after those that went', async () => {
    const thread = await threadOf(3);
    await split(thread, 2);
    const { turn } = await store.turns.create(newTurn(thread.id, { afterSequence: 3 }));
    expect(turn.sequence).toBe(4);
  });

  it('gives the calls of the caller’s tools with their turns, and a copy of the tools', async () => {
    const thread = await threadOf(2);
    const { kysely } = store.database;
    const [second, first] = await store.turns.lastTurns(thread.id, 2);
    for (const turn of [first, second]) {
      const call = { turn_id: turn?.id ?? '', id: 'c', thread_id: thread.id, position: 0, name: 'n', input: '{}' };
      await kysely.insertInto('caller_tool_calls').values(call).execute();
    }
    await kysely.insertInto('tool_sets').values({ thread_id: thread.id, id: 'h', tools: '{}' }).execute();
    await split(thread, 2);
    const calls = await kysely.selectFrom('caller_tool_calls').select(['turn_id', 'thread_id']).execute();
    expect(calls.filter(({ turn_id: id }) => id === first?.id)).toMatchObject([{ thread_id: thread.id }]);
    expect(calls.filter(({ turn_id: id }) => id === second?.id)).toMatchObject([{ thread_id: `${thread.id}-b` }]);
    const sets = await kysely.selectFrom('tool_sets').select('thread_id').where('id', '=', 'h').execute();
    expect(sets.map((set) => set.thread_id).toSorted()).toEqual([thread.id, `${thread.id}-b`].toSorted());
  });

  it('is not changed if one of these turns has not ended, or if it is gone', async () => {
    const thread = await threadOf(1, 1);
    const before = await store.threads.byId(thread.id);
    await expect(split(thread, 1)).rejects.toThrow('has not ended');
    expect(await store.threads.byId(thread.id)).toEqual(before);
    expect(await store.threads.find(thread.tenant, `${thread.key}~b`)).toBeUndefined();
    await store.threads.remove(thread.id);
    await expect(split(thread, 1)).rejects.toThrow(`there is no thread ${thread.id}`);
  });
});
