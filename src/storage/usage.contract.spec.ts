import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  completed,
  newStore,
  newThread,
  newTurn,
  testedKinds,
  turnEnd,
  type TestStore,
} from './__fixtures__/databases.js';
import type { Turn, TurnOutcome } from './stores/turn.js';
import { UsageStore, type UsageGroup } from './stores/usage.store.js';

const DAY_MS = 86_400_000;

describe.each(await testedKinds())('usage on %s', (kind) => {
  let store: TestStore;
  let usage: UsageStore;

  beforeAll(async () => {
    store = await newStore(kind);
    usage = new UsageStore(store.database);
  });

  beforeEach(async () => {
    for (const table of ['usage', 'threads'] as const) await store.database.kysely.deleteFrom(table).execute();
  });

  afterAll(() => store.remove());

  /** A turn that runs. */
  async function start(
    billed: { readonly tenant?: string; readonly keyId?: string; readonly userId?: string } = {},
  ): Promise<Turn> {
    const { tenant = 'acme', keyId, userId } = billed;
    const { thread } = await store.threads.findOrCreate(newThread({ tenant }));
    const { turn } = await store.turns.create(newTurn(thread.id, { billedTo: { keyId, userId } }));
    const claimed = await store.turns.claim(turn.id, { owner: 'a', now: 2_000 });
    if (claimed === undefined) throw new Error('the turn was not claimed');
    await store.log.open(claimed);
    return claimed;
  }

  const end = async (turn: Turn, changes: Partial<TurnOutcome> = {}): Promise<boolean> =>
    store.log.finish(turn.id, [turnEnd], { ...completed, ...changes } as TurnOutcome);

  const sums = async (...groups: readonly UsageGroup[]) =>
    (await usage.sum({}, groups)).map(({ group, turns, costMicros }) => [...Object.values(group), turns, costMicros]);

  it('is recorded with the end of a turn, with its tokens, its bill and whom it is billed to', async () => {
    await end(await start({ keyId: 'key_1', userId: 'customer-7' }), { endedAt: Date.parse('2027-01-31T23:59:59Z') });
    const rows = await store.database.kysely.selectFrom('usage').selectAll().execute();
    expect(rows).toEqual([
      {
        turn_id: expect.any(String),
        tenant: 'acme',
        key_id: 'key_1',
        user_id: 'customer-7',
        harness: 'demo',
        model: 'claude-opus-5',
        day: '2027-01-31',
        input_tokens: 3,
        output_tokens: 2,
        cache_read_tokens: 1,
        cache_creation_tokens: 0,
        cost_micros: 42,
      },
    ]);
  });

  it('is billed to whom the turn was stored for, also when another server ends it', async () => {
    const turn = await start({ keyId: 'key_1', userId: 'customer-7' });
    const resumed = await store.turns.reclaim(turn.id, { owner: 'b', now: 3_000, fromAttempt: 1 });
    expect(resumed?.billedTo).toEqual({ keyId: 'key_1', userId: 'customer-7' });
    expect(await end(turn)).toBe(false);
    expect(await sums()).toEqual([[0, 0]]);
    if (resumed === undefined) throw new Error('the turn was not reclaimed');
    await store.log.open(resumed);
    expect(await end(resumed)).toBe(true);
    expect(await sums('key', 'user')).toEqual([['key_1', 'customer-7', 1, 42]]);
  });

  it('stays when the thread of the turn is removed', async () => {
    const turn = await start();
    await end(turn);
    await store.threads.remove(turn.threadId);
    expect(await store.turns.byId(turn.id)).toBeUndefined();
    expect(await sums('tenant')).toEqual([['acme', 1, 42]]);
  });

  it('is not there without the end of its turn, nor the end without it', async () => {
    const turn = await start();
    await store.database.kysely.schema.alterTable('usage').renameTo('hidden').execute();
    await expect(end(turn)).rejects.toThrow(/usage/);
    expect(await store.turns.byId(turn.id)).toMatchObject({ state: 'running', usage: undefined });
    await store.database.kysely.schema.alterTable('hidden').renameTo('usage').execute();
  });

  it('is found by turn, with an unknown price as unknown, and not before the turn has ended', async () => {
    const [priced, unpriced, running] = [await start(), await start(), await start()];
    await end(priced);
    await end(unpriced, { bill: { ...completed.bill, costMicros: undefined } });
    const tokens = { inputTokens: 3, outputTokens: 2, cacheReadTokens: 1, cacheCreationTokens: 0 };
    expect(await usage.ofTurns([priced.id, unpriced.id, running.id])).toEqual(
      new Map([
        [priced.id, { ...tokens, costMicros: 42 }],
        [unpriced.id, { ...tokens, costMicros: undefined }],
      ]),
    );
    expect(await usage.ofTurns([])).toEqual(new Map());
  });

  it('is summed up by any groups, in their order', async () => {
    await end(await start({ tenant: 'acme', keyId: 'key_1' }), { endedAt: DAY_MS });
    await end(await start({ tenant: 'acme', keyId: 'key_2' }), { endedAt: 2 * DAY_MS });
    await end(await start({ tenant: 'acme', keyId: 'key_2' }), { endedAt: 2 * DAY_MS });
    await end(await start({ tenant: 'umbrella' }), {
      endedAt: DAY_MS,
      bill: { harness: 'codex', model: 'gpt-9', costMicros: undefined },
    });
    expect(await sums()).toEqual([[4, 126]]);
    expect(await sums('tenant')).toEqual([
      ['acme', 3, 126],
      ['umbrella', 1, 0],
    ]);
    expect(await sums('day', 'tenant')).toEqual([
      ['1970-01-02', 'acme', 1, 42],
      ['1970-01-02', 'umbrella', 1, 0],
      ['1970-01-03', 'acme', 2, 84],
    ]);
    expect(await sums('harness', 'model')).toEqual([
      ['codex', 'gpt-9', 1, 0],
      ['demo', 'claude-opus-5', 3, 126],
    ]);
    expect(await sums('key')).toEqual([
      ['key_1', 1, 42],
      ['key_2', 2, 84],
      [null, 1, 0],
    ]);
    expect(await usage.sum({})).toMatchObject([
      { unpricedTurns: 1, inputTokens: 12, outputTokens: 8, cacheReadTokens: 4, cacheCreationTokens: 0 },
    ]);
  });

  it('is summed up of some days, a tenant, a key', async () => {
    for (const day of [1, 2, 3])
      await end(await start({ tenant: `t${day}`, keyId: `key_${day}` }), { endedAt: day * DAY_MS + DAY_MS - 1 });
    const days = async (filter: Parameters<UsageStore['sum']>[0]) =>
      (await usage.sum(filter, ['day'])).map(({ group }) => group.day);
    expect(await days({ from: '1970-01-03' })).toEqual(['1970-01-03', '1970-01-04']);
    expect(await days({ to: '1970-01-03' })).toEqual(['1970-01-02', '1970-01-03']);
    expect(await days({ from: '1970-01-03', to: '1970-01-03' })).toEqual(['1970-01-03']);
    expect(await days({ tenant: 't2' })).toEqual(['1970-01-03']);
    expect(await days({ keyId: 'key_3' })).toEqual(['1970-01-04']);
    expect(await days({ tenant: 't2', keyId: 'key_3' })).toEqual([]);
  });

  it('has numbers beyond 32 bits, exactly', async () => {
    const tokens = 3_000_000_000_001;
    const used = { ...completed.usage, inputTokens: tokens } as NonNullable<TurnOutcome['usage']>;
    await end(await start(), { usage: used, bill: { ...completed.bill, costMicros: tokens } });
    await end(await start(), { usage: used, bill: { ...completed.bill, costMicros: tokens } });
    expect(await usage.sum({})).toMatchObject([{ inputTokens: 2 * tokens, costMicros: 2 * tokens, turns: 2 }]);
  });
});
