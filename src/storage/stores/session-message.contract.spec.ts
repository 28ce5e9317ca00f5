import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  completed,
  newStore,
  newThread,
  newTurn,
  runningTurn,
  testedKinds,
  type TestStore,
  text,
  turnEnd,
} from '../__fixtures__/databases.js';
import { SessionMessageStore, toPromptKey } from './session-message.store.js';
import { readMessageIds } from './turn-input.js';

const words = (said: string) => ({ type: 'text', text: said }) as const;
const message = (said: string, clientMessageId?: string) => ({
  clientMessageId,
  role: 'user' as const,
  parts: [words(said)],
  metadata: {},
});
const lease = { owner: 'a', now: 2_000 };

describe.each(await testedKinds())('the messages of a thread on %s', (kind) => {
  let store: TestStore;
  let messages: SessionMessageStore;
  beforeAll(async () => {
    store = await newStore(kind);
    messages = new SessionMessageStore(store.database);
  });
  afterAll(() => store.remove());

  const append = async (threadId: string, ...said: readonly string[]) =>
    (await messages.append(
      threadId,
      said.map((text) => message(text)),
      1_500,
    )) ?? [];
  const storedIds = async (threadId: string) => (await messages.stored(threadId)).map(({ id }) => id);
  const idle = async () => (await store.threads.findOrCreate(newThread())).thread.id;

  it('are all heard by the next turn, in order, before its own prompt', async () => {
    const threadId = await idle();
    const ids = await append(threadId, 'one', 'two');
    await messages.append(threadId, [{ ...message('an answer'), role: 'assistant' }], 1_600);
    const { turn } = await store.turns.create(newTurn(threadId, { createdAt: 2_000 }));
    expect(turn.prompt).toEqual([words('one'), words('two'), words('hello')]);
    expect(readMessageIds(turn.request)).toEqual(ids);
    expect(await store.turns.byId(turn.id)).toEqual(turn);
    expect(await storedIds(threadId)).toEqual([]);
    const { turn: next } = await store.turns.create(newTurn(threadId));
    expect(next.prompt).toEqual([words('hello')]);
  });

  it('are not added to a prompt that repeats them', async () => {
    const threadId = await idle();
    const [repeated = ''] = await append(threadId, 'hello', 'other');
    const { turn } = await store.turns.create(newTurn(threadId, { repeats: [repeated] }));
    expect(turn.prompt).toEqual([words('other'), words('hello')]);
    expect(await storedIds(threadId)).toEqual([]);
  });

  it('are heard by a turn that was queued before them, after its own prompt', async () => {
    const threadId = await idle();
    const { turn } = await store.turns.create(newTurn(threadId, { createdAt: 1_000 }));
    const ids = await append(threadId, 'later');
    const claimed = await store.turns.claim(turn.id, lease);
    expect(claimed?.prompt).toEqual([words('hello'), words('later')]);
    expect(await store.turns.byId(turn.id)).toEqual(claimed);
    expect(readMessageIds(claimed?.request ?? {})).toEqual(ids);
  });

  it('are stored again when the queued turn that had them is cancelled, but for those that it repeats', async () => {
    const threadId = await idle();
    const [repeated = '', added] = await append(threadId, 'hello', 'other');
    const { turn } = await store.turns.create(newTurn(threadId, { repeats: [repeated] }));
    expect(await store.turns.cancelQueued(turn.id, { now: 3_000, failure: undefined })).toBe(true);
    expect(await storedIds(threadId)).toEqual([added]);
  });

  it('are stored again when the agent of their turn did not start', async () => {
    const turn = await runningTurn(store);
    const { turn: other } = await store.turns.create(newTurn(turn.threadId));
    await store.log.finish(turn.id, [turnEnd], completed);
    const ids = await append(turn.threadId, 'one');
    const claimed = await store.turns.claim(other.id, lease);
    if (claimed === undefined) throw new Error('the turn was not claimed');
    await store.log.open(claimed);
    const failure = { kind: 'not_started', message: 'no program' } as const;
    const { stopReason: _, ...outcome } = { ...completed, stopReason: undefined };
    await store.log.finish(other.id, [{ type: 'turn-failed', ...failure }], { ...outcome, state: 'failed', failure });
    expect(await storedIds(turn.threadId)).toEqual(ids);
  });

  it('are found by the key of their request once a turn has heard them', async () => {
    const turn = await runningTurn(store);
    const keyed = { ...message('one'), metadata: toPromptKey('K') };
    const [id = ''] = (await messages.append(turn.threadId, [keyed, message('two')], 1_500)) ?? [];
    await messages.assign(turn.id, 2_500);
    expect(await messages.heardRequests(turn.threadId)).toEqual([]);
    await store.log.finish(turn.id, [{ type: 'user-message', id }, turnEnd], completed);
    expect(await messages.heardRequests(turn.threadId)).toEqual([{ turnId: turn.id, promptKey: 'K' }]);
  });

  it('are assigned to a turn only while it runs', async () => {
    const turn = await runningTurn(store);
    const { turn: queued } = await store.turns.create(newTurn(turn.threadId));
    const ids = await append(turn.threadId, 'one', ' ');
    expect(await messages.assign(queued.id, 2_500)).toEqual([]);
    const assigned = await messages.assign(turn.id, 2_500);
    // The second one says nothing to an agent.
    expect(assigned.map(({ id }) => id)).toEqual([ids[0]]);
    expect(await messages.assign(turn.id, 2_500)).toEqual([]);
    expect(await storedIds(turn.threadId)).toEqual([]);
    await store.log.finish(turn.id, [turnEnd], completed);
    await append(turn.threadId, 'too late');
    expect(await messages.assign(turn.id, 3_500)).toEqual([]);
  });

  it('are taken with those assigned before by the next attempt', async () => {
    const turn = await runningTurn(store);
    const first = await append(turn.threadId, 'one');
    await messages.assign(turn.id, 2_500);
    const second = await append(turn.threadId, 'two');
    expect((await messages.take(turn.id, 2_600)).map(({ id }) => id)).toEqual([...first, ...second]);
  });

  it('are heard when the log of their turn has them, and else stored again as it ends', async () => {
    const turn = await runningTurn(store);
    const [heard = '', unheard = ''] = await append(turn.threadId, 'one', 'two');
    await messages.assign(turn.id, 2_500);
    store.log.append(turn.id, [text('working'), { type: 'user-message', id: heard }]);
    const { turn: queued } = await store.turns.create(newTurn(turn.threadId));
    expect(queued.prompt).toEqual([words('hello')]);
    await store.log.finish(turn.id, [turnEnd], completed);
    expect(await storedIds(turn.threadId)).toEqual([unheard]);
    const next = await store.turns.claim(queued.id, lease);
    expect(next?.prompt).toEqual([words('hello'), words('two')]);
  });

  it('are found by the beginning of the id of their client, the newest first', async () => {
    const threadId = await idle();
    const find = (prefix: string) => messages.lastByClientIdPrefix(threadId, prefix);
    expect(await find('request:ab:')).toBeUndefined();
    await messages.append(threadId, [message('one', 'request:ab:2')], 1_500);
    const [newest] = (await messages.append(threadId, [message('two', 'request:ab:1')], 1_500)) ?? [];
    await messages.append(threadId, [message('other', 'request:abc:3')], 1_500);
    expect((await find('request:ab:'))?.id).toBe(newest);
    expect(await find('request:b')).toBeUndefined();
  });

  it('are found by the id of their client, with the turn that has them', async () => {
    const turn = await runningTurn(store);
    await messages.append(turn.threadId, [message('one', 'C1')], 1_500);
    const [stored] = await messages.stored(turn.threadId);
    const find = () => messages.byClientMessageId(turn.threadId, 'C1');
    expect(await find()).toEqual({ id: stored?.id, turnId: undefined, isHeard: false });
    await messages.assign(turn.id, 2_500);
    expect(await find()).toEqual({ id: stored?.id, turnId: turn.id, isHeard: false });
    await store.log.finish(turn.id, [{ type: 'user-message', id: stored?.id ?? '' }, turnEnd], completed);
    expect(await find()).toEqual({ id: stored?.id, turnId: turn.id, isHeard: true });
    expect(await messages.byClientMessageId(turn.threadId, 'C2')).toBeUndefined();
  });
});
