import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completed, newStore, newThread, newTurn, testedKinds, type TestStore } from './__fixtures__/databases.js';
import { BranchStore } from './stores/branch.store.js';
import { SessionMessageStore } from './stores/session-message.store.js';
import type { NewTurn } from './stores/turn.store.js';

/** Pairs of surrogates and quotes fall on the borders of pieces. */
const LONG = '🦉 "x" é\n'.repeat(100_000);
const PROMPT: NewTurn['prompt'] = [
  { type: 'text', text: LONG },
  { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0K'.repeat(100_000) } },
];
const REQUEST: NewTurn['request'] = { toolResults: [{ callId: 'c', content: LONG, isError: false }], user: 'u' };
const CLAIMANT = { owner: 'a', now: 2_000 };

describe.each(await testedKinds())('a turn whose input is large, on %s', (kind) => {
  let store: TestStore;
  let messages: SessionMessageStore;

  beforeAll(async () => {
    store = await newStore(kind);
    messages = new SessionMessageStore(store.database);
  });

  afterAll(() => store.remove());

  const openThread = async () => (await store.threads.findOrCreate(newThread())).thread;
  const large = (threadId: string, more: Partial<NewTurn> = {}) =>
    newTurn(threadId, { prompt: PROMPT, request: REQUEST, ...more });
  const piecesOf = async (turnId: string): Promise<number> => {
    const query = store.database.kysely.selectFrom('turn_inputs').select('number').where('turn_id', '=', turnId);
    return (await query.execute()).length;
  };

  it.each([
    ['a prompt', { prompt: PROMPT, request: {} }],
    ['results', { prompt: [], request: REQUEST }],
    ['both', { prompt: PROMPT, request: REQUEST }],
  ])('has all of it in every answer of the store: %s', async (_, input) => {
    const { id: threadId } = await openThread();
    const { turn, created } = await store.turns.create(large(threadId, input));
    expect(created).toBe(true);
    expect(turn).toMatchObject(input);
    for (const found of [
      await store.turns.byId(turn.id),
      await store.turns.byMessageId(turn.messageId),
      ...(await store.turns.queued(threadId)),
      ...(await store.turns.unfinished(threadId)),
      await store.turns.claim(turn.id, CLAIMANT),
      await store.turns.reclaim(turn.id, { ...CLAIMANT, fromAttempt: 1 }),
      ...(await store.turns.lastTurns(threadId, 2)),
      ...(await store.turns.turnsFrom(threadId, 1, 2)),
    ]) {
      expect(found?.prompt).toEqual(input.prompt);
      expect(found?.request).toEqual(input.request);
    }
  });

  it('keeps it out of the row that each change of the turn writes again, where rows are written so', async () => {
    const { id: threadId } = await openThread();
    const { turn } = await store.turns.create(large(threadId), CLAIMANT);
    const query = store.database.kysely.selectFrom('turns').select(['prompt', 'request']).where('id', '=', turn.id);
    const { prompt, request } = await query.executeTakeFirstOrThrow();
    expect(prompt.length + request.length < 100).toBe(kind === 'sqlite');
    expect((await piecesOf(turn.id)) > 10).toBe(kind === 'sqlite');
  });

  it('is one turn for concurrent requests with the same idempotency key, and the pieces of the others are gone', async () => {
    const { id: threadId } = await openThread();
    const requests = [1, 2, 3].map(() => large(threadId, { idempotencyKey: 'same' }));
    const created = await Promise.all(requests.map((request) => store.turns.create(request)));
    expect(new Set(created.map(({ turn }) => turn.id)).size).toBe(1);
    for (const { turn } of created) expect(turn.prompt).toEqual(PROMPT);
    const others = requests.filter(({ id }) => id !== created[0]?.turn.id);
    for (const { id } of others) expect(await piecesOf(id)).toBe(0);
  });

  it('leaves nothing when it cannot be stored', async () => {
    const { id: threadId } = await openThread();
    const [refused, homeless] = [large(threadId), large('no such thread')];
    const refusal = new Error('refused');
    await expect(store.turns.create(refused, CLAIMANT, () => Promise.reject(refusal))).rejects.toBe(refusal);
    await expect(store.turns.create(homeless)).rejects.toThrow();
    for (const { id } of [refused, homeless]) expect(await piecesOf(id)).toBe(0);
    expect(await store.turns.lastTurns(threadId, 1)).toEqual([]);
  });

  it.each(['when it is stored', 'when it starts'])('hears the thread’s messages %s', async (when) => {
    const { id: threadId } = await openThread();
    const message = (text: string) => ({
      clientMessageId: text,
      role: 'user' as const,
      parts: [{ type: 'text', text }],
      metadata: {},
    });
    const append = () => messages.append(threadId, [message('Wait')], 1_500);
    if (when === 'when it is stored') await append();
    const { turn } = await store.turns.create(large(threadId, { createdAt: 1_000 }));
    if (when === 'when it starts') await append();
    await store.turns.claim(turn.id, CLAIMANT);
    const found = await store.turns.byId(turn.id);
    expect(found?.prompt).toHaveLength(3);
    expect(found?.prompt).toEqual(expect.arrayContaining([...PROMPT, { type: 'text', text: 'Wait' }]));
    expect(found?.request).toMatchObject(REQUEST);
  });

  it('goes with its thread, and with a branch of it', async () => {
    const thread = await openThread();
    const { turn } = await store.turns.create(large(thread.id), CLAIMANT);
    await store.log.open({ id: turn.id, attempt: 1 });
    await store.log.finish(turn.id, [{ type: 'turn-end', reason: 'end_turn' }], completed);
    const branch = { id: randomUUID(), key: `${thread.key}~b`, metadata: {} };
    const point = { fromSequence: 1, metadata: {}, now: 7_000 };
    await new BranchStore(store.database).split(thread.id, branch, point);
    await store.threads.remove(thread.id);
    expect((await store.turns.byId(turn.id))?.prompt).toEqual(PROMPT);
    await store.threads.remove(branch.id);
    expect(await piecesOf(turn.id)).toBe(0);
  });

  it('is not missed by a start of the server, which removes what a killed one has left', async () => {
    const { id: threadId } = await openThread();
    const { turn } = await store.turns.create(large(threadId));
    const stray = { turn_id: randomUUID(), number: 0, thread_id: threadId, part: 'prompt', json: '[' };
    await store.database.kysely.insertInto('turn_inputs').values(stray).execute();
    await store.turns.removeStrayInputs();
    expect(await piecesOf(stray.turn_id)).toBe(0);
    expect((await store.turns.byId(turn.id))?.prompt).toEqual(PROMPT);
  });
});
