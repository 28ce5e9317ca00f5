import { finalize, lastValueFrom, map, NEVER, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../domain/harness-event.js';
import { NodeLostError } from './database/database.js';
import {
  completed,
  newStore,
  newThread,
  newTurn,
  testedKinds,
  text,
  turnEnd,
  type TestStore,
} from './__fixtures__/databases.js';
import { NodeStore, type NodeLoad } from './stores/node.store.js';
import type { Turn } from './stores/turn.js';

const LOAD: NodeLoad = { running: 0, pending: 0, slots: 1, isDiskLow: false };

describe.runIf((await testedKinds()).includes('postgres'))('nodes of one store', () => {
  let a: TestStore;
  let b: TestStore;
  let nodes: NodeStore;

  beforeEach(async () => {
    a = await newStore('postgres');
    b = await a.again();
    nodes = new NodeStore(a.database);
    await join(a, 'a');
    await join(b, 'b');
  });

  afterEach(() => a.remove());

  async function join(store: TestStore, id: string): Promise<void> {
    const identity = { id, incarnation: '1' };
    await nodes.register({ ...identity, name: id, role: 'all', url: `http://${id}`, load: LOAD });
    store.database.node = identity;
  }

  /** A running turn of a thread that node a has. */
  async function runningOnA(): Promise<Turn> {
    const { thread } = await a.threads.findOrCreate(newThread({ node: 'a' }));
    const { turn } = await a.turns.create(newTurn(thread.id));
    const claimed = await a.turns.claim(turn.id, { owner: 'a', now: 2_000 });
    if (claimed === undefined) throw new Error('the turn was not claimed');
    await a.log.open(claimed);
    return claimed;
  }

  const giveUpA = () => nodes.loseSilent('b', -1000, () => Promise.resolve());

  it('beat until the others give them up, and not again as the same start', async () => {
    expect(await nodes.beat({ id: 'a', incarnation: '1' }, 'up', LOAD)).toBe(true);
    expect(await giveUpA()).toEqual(['a']);
    expect(await nodes.isKept('a')).toBe(false);
    expect(await nodes.beat({ id: 'a', incarnation: '1' }, 'up', LOAD)).toBe(false);
    await nodes.register({ id: 'a', incarnation: '2', name: 'a', role: 'all', url: 'http://a', load: LOAD });
    expect(await nodes.beat({ id: 'a', incarnation: '1' }, 'up', LOAD)).toBe(false);
    expect(await nodes.beat({ id: 'a', incarnation: '2' }, 'up', LOAD)).toBe(true);
  });

  it('claim turns of their own threads only', async () => {
    const { thread } = await a.threads.findOrCreate(newThread({ node: 'a' }));
    const { turn } = await a.turns.create(newTurn(thread.id));
    expect(await b.turns.claim(turn.id, { owner: 'b', now: 2_000 })).toBeUndefined();
    expect(await a.turns.claim(turn.id, { owner: 'a', now: 2_000 })).toMatchObject({ state: 'running' });
    expect(await b.turns.reclaim(turn.id, { owner: 'b', now: 3_000, fromAttempt: 1 })).toBeUndefined();
  });

  it('are refused to write events, and to claim, once they are given up', async () => {
    const turn = await runningOnA();
    a.log.append(turn.id, [text('kept')]);
    await a.log.flush(turn.id);
    await giveUpA();
    a.log.append(turn.id, [text('late')]);
    // The write is refused, whatever was reclaimed until then.
    await expect.poll(() => a.log.lastError).toBeInstanceOf(NodeLostError);
    expect((await b.log.readAll(turn.id)).map((event) => event.type === 'text-delta' && event.text)).toEqual(['kept']);
    await expect(a.turns.create(newTurn(turn.threadId), { owner: 'a', now: 1 })).rejects.toThrow(NodeLostError);
    a.log.releaseAll();
  });

  it('find the threads with turns that nobody runs', async () => {
    const turn = await runningOnA();
    await a.threads.findOrCreate(newThread({ node: 'a' }));
    expect(await b.threads.unplaced()).toEqual([]);
    await giveUpA();
    expect(await b.threads.unplaced()).toEqual([turn.threadId]);
    expect(await b.threads.assign(turn.threadId, 'a', 'b')).toBe(true);
    expect(await b.threads.assign(turn.threadId, 'a', 'c')).toBe(false);
    expect(await b.turns.unfinishedOf('b')).toEqual([{ id: turn.id, threadId: turn.threadId, isInterrupted: false }]);
  });

  it('show turns of each other live, and the next attempt from its first event when one is given up', async () => {
    const turn = await runningOnA();
    const flow = { isReady: () => true, resumed$: NEVER };
    let isAReachable = true;
    b.log.readRemotely({ follow: (turnId) => (isAReachable ? a.log.feed(turnId, flow) : NEVER) });
    const seen: HarnessEvent[] = [];
    const other = lastValueFrom(
      b.log.read(turn.id).pipe(
        toArray(),
        map((batches) => batches.flat()),
      ),
    );
    const subscription = b.log.read(turn.id).subscribe((events) => seen.push(...events));
    a.log.append(turn.id, [text('one'), text('two')]);
    await a.log.flush(turn.id);
    await expect.poll(() => seen).toEqual([text('one'), text('two')]);
    await giveUpA();
    // It is shown, and never stored.
    a.log.append(turn.id, [text('shown only')]);
    await expect.poll(() => seen).toHaveLength(3);
    isAReachable = false;
    a.log.releaseAll();
    await b.threads.assign(turn.threadId, 'a', 'b');
    const taken = await b.turns.reclaim(turn.id, { owner: 'b', now: 3_000, fromAttempt: 1 });
    if (taken === undefined) throw new Error('the turn was not taken over');
    expect(await b.log.open(taken)).toEqual([text('one'), text('two')]);
    const restart: HarnessEvent = { type: 'attempt-start', attempt: 2 };
    b.log.append(turn.id, [restart, text('three', 'b1')]);
    await b.log.finish(turn.id, [turnEnd], completed);
    const all = [text('one'), text('two'), text('shown only'), restart, text('three', 'b1'), turnEnd];
    await expect.poll(() => seen).toEqual(all);
    expect(await other).toEqual(all);
    subscription.unsubscribe();
  });

  it('use one connection per turn, whatever the number of readers, and none once they have left', async () => {
    const turn = await runningOnA();
    let open = 0;
    let opened = 0;
    const flow = { isReady: () => true, resumed$: NEVER };
    b.log.readRemotely({
      follow: (turnId) => {
        open += 1;
        opened += 1;
        return a.log.feed(turnId, flow).pipe(finalize(() => (open -= 1)));
      },
    });
    const counts = [0, 0, 0];
    const readers = counts.map((_, index) =>
      b.log.read(turn.id).subscribe((events) => (counts[index] = (counts[index] ?? 0) + events.length)),
    );
    a.log.append(turn.id, [text('one')]);
    await expect.poll(() => counts).toEqual([1, 1, 1]);
    expect([open, opened]).toEqual([1, 1]);
    for (const reader of readers) reader.unsubscribe();
    await expect.poll(() => open).toBe(0);
    a.log.abandon(turn.id, new Error('over'));
  });

  it('share one secret, whoever asks first', async () => {
    const other = new NodeStore(b.database);
    const secrets = await Promise.all([nodes.sharedSecret('peers'), other.sharedSecret('peers')]);
    expect(secrets[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(secrets[1]).toBe(secrets[0]);
  });
});
