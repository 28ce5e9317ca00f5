// Over 250 lines because the parts of the log's contract depend on one another.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Logger } from '@nestjs/common';
import { firstValueFrom, lastValueFrom, map, Subject, take, tap, toArray, type Observable } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { EventLog } from './event-log.js';
import { EventStore } from './event.store.js';
import {
  breakTable,
  completed,
  newStore,
  newThread,
  newTurn,
  runningTurn,
  testedKinds,
  text,
  turnEnd,
  type TestStore,
} from '../__fixtures__/databases.js';

/** All events that a reader receives, until it completes. */
const readAll = (events$: Observable<readonly HarnessEvent[]>) =>
  lastValueFrom(
    events$.pipe(
      toArray(),
      map((batches) => batches.flat()),
    ),
  );

/** A reader that records its batches and how it ended. */
function reader(events$: Observable<readonly HarnessEvent[]>) {
  const seen = {
    batches: [] as (readonly HarnessEvent[])[],
    end: undefined as 'complete' | Error | undefined,
    get events() {
      return seen.batches.flat();
    },
  };
  const subscription = events$.subscribe({
    next: (batch) => seen.batches.push(batch),
    complete: () => (seen.end = 'complete'),
    error: (error: Error) => (seen.end = error),
  });
  return Object.assign(subscription, { seen });
}

const immediate = () => new Promise((resolve) => setImmediate(resolve));
const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => text(String(from + index)));

/** A seeded random number generator (mulberry32). */
function seededRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

describe.each(await testedKinds())('the event log on %s', (kind) => {
  let store: TestStore;
  beforeAll(async () => {
    store = await newStore(kind);
  });
  afterEach(() => expect(store.log.stats.readers).toBe(0));
  afterAll(() => store.remove());

  const rows = (turnId: string) =>
    store.database.kysely
      .selectFrom('turn_events')
      .selectAll()
      .where('turn_id', '=', turnId)
      .orderBy('sequence')
      .execute();

  it('emits the events appended within one turn of the event loop to live readers in one batch', async () => {
    const { id } = await runningTurn(store);
    const { seen } = reader(store.log.read(id));
    store.log.append(id, [text('a')]);
    store.log.append(id, [text('b'), text('c')]);
    expect(seen.batches).toEqual([]);
    await immediate();
    expect(seen.batches).toEqual([[text('a'), text('b'), text('c')]]);
    await store.log.finish(id, [], completed);
    await expect.poll(() => seen.end).toBe('complete');
  });

  it('replaces an event of an unknown kind with a placeholder, and logs that once', async () => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
    const { id } = await runningTurn(store);
    store.log.append(id, [text('a'), text('b'), text('c')]);
    await store.log.finish(id, [turnEnd], completed);
    const [row] = await rows(id);
    const events = JSON.stringify([text('a'), { type: 'from-the-future' }, text('c'), turnEnd]);
    expect(row).toMatchObject({ first_index: 0 });
    await store.database.kysely.updateTable('turn_events').set({ events }).where('turn_id', '=', id).execute();
    const silence = { type: 'notice', kind: 'progress', message: '' };
    for (let times = 0; times < 2; times += 1) {
      expect(await readAll(store.log.read(id))).toEqual([text('a'), silence, text('c'), turnEnd]);
    }
    expect(warn.mock.calls).toEqual([[{ turnId: id, kind: 'from-the-future', count: 1 }, expect.any(String)]]);
    warn.mockRestore();
  });

  it('stores several appends as one row, and continues the numbers in the next', async () => {
    const { id } = await runningTurn(store);
    store.log.append(id, [text('a')]);
    store.log.append(id, [text('b')]);
    await store.log.flush(id);
    store.log.append(id, [text('c')]);
    await store.log.flush(id);
    expect((await rows(id)).map((row) => [row.sequence, row.attempt, row.first_index, row.events])).toEqual([
      [1, 1, 0, JSON.stringify([text('a'), text('b')])],
      [2, 1, 2, JSON.stringify([text('c')])],
    ]);
    store.log.abandon(id, new Error('over'));
  });

  it('lets others have the event loop while it stores the events of many turns', async () => {
    const turns: string[] = [];
    for (let count = 0; count < 200; count += 1) turns.push((await runningTurn(store)).id);
    for (const id of turns) store.log.append(id, [text('a')]);
    let loops = 0;
    const count = (): void => {
      loops += 1;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    await Promise.all(turns.map((id) => store.log.flush(id)));
    clearImmediate(timer);
    expect(loops).toBeGreaterThan(2);
    for (const id of turns)
      expect(await rows(id)).toMatchObject([{ sequence: 1, events: JSON.stringify([text('a')]) }]);
    for (const id of turns) store.log.abandon(id, new Error('over'));
  });

  it('stores the end of a turn with the events that wait for the next of several transactions, once', async () => {
    const turns: string[] = [];
    for (let count = 0; count < 200; count += 1) turns.push((await runningTurn(store)).id);
    for (const id of turns) store.log.append(id, [text('a')]);
    const last = turns.at(-1) ?? '';
    const flushed = store.log.flush(turns[0] ?? '');
    await store.log.finish(last, [turnEnd], completed);
    await flushed;
    expect(await store.log.readAll(last)).toEqual([text('a'), turnEnd]);
    for (const id of turns) store.log.abandon(id, new Error('over'));
  });

  it('ends a turn with its events, row and thread in one commit, and readers see the end only afterwards', async () => {
    const { id, threadId } = await runningTurn(store);
    const { seen } = reader(store.log.read(id));
    store.log.append(id, [text('a')]);
    const finishing = store.log.finish(id, [turnEnd], completed);
    expect(store.log.append(id, [text('too late')])).toBe(false);
    expect(await finishing).toBe(true);
    await expect.poll(() => seen.end).toBe('complete');
    expect(seen.events).toEqual([text('a'), turnEnd]);
    expect(await store.turns.byId(id)).toMatchObject({
      state: 'completed',
      stopReason: 'end_turn',
      usage: completed.usage,
      failure: undefined,
      endedAt: 3_000,
      interruptedAt: undefined,
    });
    expect(await store.threads.byId(threadId)).toMatchObject({
      state: 'idle',
      turnCount: 1,
      contextUsage: { tokens: 5 },
      updatedAt: 3_000,
    });
    expect(store.log.stats).toEqual({ liveTurns: 0, readers: 0, pendingEvents: 0 });
    expect(await readAll(store.log.read(id))).toEqual([text('a'), turnEnd]);
  });

  it('stores and emits nothing of an end that fails half-way, and can be retried', async () => {
    const { id, threadId } = await runningTurn(store);
    const { seen } = reader(store.log.read(id));
    store.log.append(id, [text('a')]);
    await store.log.flush(id);
    const repair = await breakTable(store, 'threads');
    await expect(store.log.finish(id, [text('b'), turnEnd], completed)).rejects.toThrow();
    await repair();
    expect(await store.turns.byId(id)).toMatchObject({ state: 'running', stopReason: undefined, endedAt: undefined });
    expect(await store.threads.byId(threadId)).toMatchObject({ state: 'running', turnCount: 0 });
    expect(await rows(id)).toHaveLength(1);
    expect(seen.events).toEqual([text('a')]);
    expect(await store.log.finish(id, [text('b'), turnEnd], completed)).toBe(true);
    await expect.poll(() => seen.end).toBe('complete');
    expect(seen.events).toEqual([text('a'), text('b'), turnEnd]);
    expect(await store.threads.byId(threadId)).toMatchObject({ state: 'idle', turnCount: 1 });
  });

  it('retries an end while the store cannot write', async () => {
    const { id } = await runningTurn(store);
    const repair = await breakTable(store, 'turn_events');
    const finishing = store.log.finish(id, [turnEnd], completed);
    await immediate();
    await repair();
    expect(await finishing).toBe(true);
    expect(await readAll(store.log.read(id))).toEqual([turnEnd]);
  });

  it('fails readers with the error when a turn is abandoned', async () => {
    const { id } = await runningTurn(store);
    const { seen } = reader(store.log.read(id));
    store.log.abandon(id, new Error('the disk is gone'));
    await expect.poll(() => seen.end).toEqual(new Error('the disk is gone'));
    expect(store.log.stats.liveTurns).toBe(0);
  });

  it('keeps events while the store cannot write, reports the failure, and writes them later; readers notice nothing', async () => {
    const { id } = await runningTurn(store);
    const { seen } = reader(store.log.read(id));
    const repair = await breakTable(store, 'turn_events');
    store.log.append(id, [text('a')]);
    await expect.poll(() => store.log.lastError).toBeInstanceOf(Error);
    store.log.append(id, [text('b')]);
    await immediate();
    expect(seen.events).toEqual([text('a'), text('b')]);
    // While a retry is writing them, none are pending.
    await expect.poll(() => store.log.stats.pendingEvents).toBe(2);
    await repair();
    await store.log.flush(id);
    expect(store.log.lastError).toBeUndefined();
    expect((await rows(id)).map((row) => row.events)).toEqual([JSON.stringify([text('a'), text('b')])]);
    await store.log.handOff(id);
    await expect.poll(() => seen.end).toBe('complete');
  });

  it('does not let an attempt end a turn that another has taken over; its readers continue with the other', async () => {
    const turn = await runningTurn(store);
    store.log.append(turn.id, [text('a')]);
    await store.log.flush(turn.id);
    const { seen } = reader(store.log.read(turn.id));
    const lease = { owner: 'b', now: 2_500, fromAttempt: 1 };
    const taken = await store.turns.reclaim(turn.id, lease);
    if (taken === undefined) throw new Error('the turn was not taken over');
    expect(await store.log.finish(turn.id, [turnEnd], completed)).toBe(false);
    expect(await store.turns.byId(turn.id)).toMatchObject({ state: 'running', attempt: 2 });
    expect(await rows(turn.id)).toHaveLength(1);
    expect(await store.log.open(taken)).toEqual([text('a')]);
    const restart: HarnessEvent = { type: 'attempt-start', attempt: 2 };
    store.log.append(turn.id, [restart, text('b', 'b1')]);
    expect(await store.log.finish(turn.id, [turnEnd], completed)).toBe(true);
    await expect.poll(() => seen.end).toBe('complete');
    expect(seen.events).toEqual([text('a'), restart, text('b', 'b1'), turnEnd]);
  });

  it('emits all events of the next attempt to a reader that has received events that were lost', async () => {
    const turn = await runningTurn(store);
    store.log.abandon(turn.id, new Error('another log has it'));
    const slow = new EventLog(store.database, { ...store.options, flushMs: 60_000 });
    await slow.open(turn);
    const { seen } = reader(slow.read(turn.id));
    slow.append(turn.id, [text('lost'), text('lost too')]);
    await immediate();
    const taken = await store.turns.reclaim(turn.id, { owner: 'b', now: 2_500, fromAttempt: 1 });
    if (taken === undefined) throw new Error('the turn was not taken over');
    expect(await slow.finish(turn.id, [turnEnd], completed)).toBe(false);
    expect(await store.log.open(taken)).toEqual([]);
    const restart: HarnessEvent = { type: 'attempt-start', attempt: 2 };
    store.log.append(turn.id, [restart, text('b', 'b1')]);
    await store.log.finish(turn.id, [turnEnd], completed);
    await expect.poll(() => seen.end).toBe('complete');
    expect(seen.events).toEqual([text('lost'), text('lost too'), restart, text('b', 'b1'), turnEnd]);
    await slow.close();
  });

  it('keeps writing other turns when one was taken over by another process or its thread was removed', async () => {
    const lost = await runningTurn(store);
    const gone = await runningTurn(store);
    const kept = await runningTurn(store);
    const { seen } = reader(store.log.read(gone.id));
    await store.turns.reclaim(lost.id, { owner: 'b', now: 2_500, fromAttempt: 1 });
    const theirs = { turn_id: lost.id, sequence: 1, attempt: 2, first_index: 0, events: '[]', created_at: 1 };
    await store.database.kysely.insertInto('turn_events').values(theirs).execute();
    await store.threads.remove(gone.threadId);
    const failures: (Error | undefined)[] = [];
    const watching = store.log.failure$.subscribe((failure) => failures.push(failure));
    for (const { id } of [lost, gone, kept]) store.log.append(id, [text('a')]);
    await store.log.flush(kept.id);
    watching.unsubscribe();
    expect(failures).toEqual([undefined]);
    expect(await rows(kept.id)).toHaveLength(1);
    expect((await rows(lost.id)).map((row) => row.attempt)).toEqual([2]);
    expect(store.log.append(lost.id, [text('b')])).toBe(false);
    await expect.poll(() => seen.end).toEqual(new Error(`there is no turn ${gone.id}`));
    store.log.abandon(kept.id, new Error('over'));
  });

  it('leaves out what a dead attempt did not finish or the next one drops, for readers that come later, live and stored alike', async () => {
    const turn = await runningTurn(store);
    const ended = (id: string): HarnessEvent => ({ type: 'block-end', id });
    store.log.append(turn.id, [text('whole'), ended('b0'), text('lost', 'b3'), ended('b3'), text('half', 'b1')]);
    const early = reader(store.log.read(turn.id));
    const taken = await store.turns.reclaim(turn.id, { owner: 'a', now: 2_500, fromAttempt: 1 });
    if (taken === undefined) throw new Error('the turn was not taken over');
    await store.log.open(taken);
    const restart: HarnessEvent = { type: 'attempt-start', attempt: 2 };
    store.log.append(turn.id, [restart]);
    const late = reader(store.log.read(turn.id));
    await immediate();
    // What is dropped is not known yet.
    expect(late.seen.events).toEqual([]);
    store.log.append(turn.id, [{ type: 'block-dropped', id: 'b3' }, text('again', 'b2')]);
    await store.log.finish(turn.id, [turnEnd], completed);
    await expect.poll(() => [early.seen.end, late.seen.end]).toEqual(['complete', 'complete']);
    const spoken = (events: readonly HarnessEvent[]) =>
      events.flatMap((event) => (event.type === 'text-delta' ? [event.text] : []));
    expect(spoken(early.seen.events)).toEqual(['whole', 'lost', 'half', 'again']);
    expect(spoken(late.seen.events)).toEqual(['whole', 'again']);
    expect(late.seen.events.at(-1)).toEqual(turnEnd);
    expect(spoken(await readAll(store.log.read(turn.id)))).toEqual(['whole', 'again']);
  });

  it('lets readers of a queued turn wait for its start, and completes them when it is cancelled', async () => {
    const { thread } = await store.threads.findOrCreate(newThread());
    const started = (await store.turns.create(newTurn(thread.id))).turn;
    const cancelled = (await store.turns.create(newTurn(thread.id))).turn;
    const first = reader(store.log.read(started.id));
    const second = reader(store.log.read(cancelled.id));
    await store.turns.cancelQueued(cancelled.id, { now: 2_000, failure: undefined });
    await expect.poll(() => second.seen.end).toBe('complete');
    expect(first.seen.end).toBeUndefined();
    const claimed = await store.turns.claim(started.id, { owner: 'a', now: 2_000 });
    if (claimed === undefined) throw new Error('the turn was not claimed');
    await store.log.open(claimed);
    await store.log.finish(started.id, [turnEnd], completed);
    await expect.poll(() => first.seen.end).toBe('complete');
    expect(first.seen.events).toEqual([turnEnd]);
  });

  it('emits every event to every reader once and in order, whenever it joins and however writes interleave', async () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const random = seededRandom(seed);
      const { id } = await runningTurn(store);
      const readers: ReturnType<typeof reader>[] = [];
      let count = 0;
      for (let step = 0; step < 60; step += 1) {
        const action = random(8);
        const more = numbers(count, count + random(action === 0 ? 600 : 4));
        store.log.append(id, more);
        count += more.length;
        if (action === 1) readers.push(reader(store.log.read(id)));
        if (action === 2) await immediate();
        if (action === 3) await store.log.flush(id);
        if (action === 4) await Promise.resolve();
        if (action === 5) readers.splice(random(readers.length + 1), 1)[0]?.unsubscribe();
      }
      readers.push(reader(store.log.read(id)));
      const finishing = store.log.finish(id, [turnEnd], completed);
      readers.push(reader(store.log.read(id)));
      await finishing;
      readers.push(reader(store.log.read(id)));
      await expect.poll(() => readers.every(({ seen }) => seen.end === 'complete')).toBe(true);
      const expected = [...numbers(0, count), turnEnd];
      for (const { seen } of readers) expect(seen.events).toEqual(expected);
      for (const { seen } of readers) expect(Math.max(...seen.batches.map((batch) => batch.length))).toBeLessThan(257);
      expect(await readAll(store.log.read(id))).toEqual(expected);
    }
  });

  // An SQLite store has one process only.
  const acrossProcesses = kind === 'sqlite' ? [] : [kind];
  it.each(acrossProcesses)('follows a turn that another process runs, without gap or duplicate: %s', async () => {
    const other = await store.again();
    const { id } = await runningTurn(other);
    const { seen } = reader(store.log.read(id));
    for (let count = 0; count < 300; count += 10) {
      other.log.append(id, numbers(count, count + 10));
      if (count % 50 === 0) await other.log.flush(id);
    }
    await expect.poll(() => seen.events.length).toBeGreaterThan(0);
    await other.log.finish(id, [turnEnd], completed);
    await expect.poll(() => seen.end).toBe('complete');
    expect(seen.events).toEqual([...numbers(0, 300), turnEnd]);
  });

  it.each(['live', 'stored'])(
    'emits nothing to a reader with back-pressure, and then everything in slices: %s',
    async (how) => {
      const { id } = await runningTurn(store);
      store.log.append(id, numbers(0, 1_000));
      if (how === 'stored') await store.log.finish(id, [turnEnd], completed);
      let budget = 0;
      const resumed$ = new Subject<void>();
      const flow = { isReady: () => budget > 0, resumed$ };
      const { seen } = reader(store.log.read(id, flow).pipe(map((batch) => ((budget -= 1), batch))));
      await immediate();
      if (how === 'live') await store.log.finish(id, [turnEnd], completed);
      expect(seen.batches).toEqual([]);
      budget = 2;
      resumed$.next();
      await expect.poll(() => seen.batches.length).toBe(2);
      await expect.poll(() => resumed$.observed).toBe(true);
      expect(seen.events).toEqual(numbers(0, 512));
      budget = 100;
      resumed$.next();
      await expect.poll(() => seen.end).toBe('complete');
      expect(seen.events).toEqual([...numbers(0, 1_000), turnEnd]);
      expect(resumed$.observed).toBe(false);
    },
  );

  it('looks up a stored turn only a few times, however often its reader applies back-pressure', async () => {
    const { id } = await runningTurn(store);
    store.log.append(id, numbers(0, 5_000));
    await store.log.finish(id, [turnEnd], completed);
    const pages = vi.spyOn(EventStore.prototype, 'readPage');
    let isReady = true;
    const resumed$ = new Subject<void>();
    const open = () => {
      isReady = true;
      resumed$.next();
    };
    const flow = { isReady: () => isReady, resumed$ };
    const { seen } = reader(store.log.read(id, flow).pipe(tap(() => ((isReady = false), setImmediate(open)))));
    await expect.poll(() => seen.end).toBe('complete');
    expect(seen.events).toEqual([...numbers(0, 5_000), turnEnd]);
    expect(seen.batches.length).toBeGreaterThan(15);
    expect(pages.mock.calls.length).toBeLessThan(4);
    pages.mockRestore();
  });

  it('frees a reader that unsubscribes while live, blocked, waiting, or within its own batch', async () => {
    const { id } = await runningTurn(store);
    const { thread } = await store.threads.findOrCreate(newThread());
    const queued = (await store.turns.create(newTurn(thread.id))).turn;
    const resumed$ = new Subject<void>();
    const closed = { isReady: () => false, resumed$ };
    const readers = [store.log.read(id), store.log.read(id, closed), store.log.read(queued.id, closed)].map(reader);
    readers.push(reader(store.log.read(queued.id)));
    store.log.append(id, numbers(0, 1_000));
    await expect.poll(() => resumed$.observers.length).toBe(2);
    expect(store.log.stats.readers).toBe(4);
    readers.forEach((subscription) => subscription.unsubscribe());
    expect(resumed$.observed).toBe(false);
    expect(store.log.stats.readers).toBe(0);
    expect(await firstValueFrom(store.log.read(id))).toHaveLength(256);
    expect(await lastValueFrom(store.log.read(id).pipe(take(2)))).toHaveLength(256);
    await store.log.finish(id, [turnEnd], completed);
    expect(store.log.stats).toEqual({ liveTurns: 0, readers: 0, pendingEvents: 0 });
  });

  it('prunes the events of turns that ended long ago, and records that it did', async () => {
    const { id } = await runningTurn(store);
    await store.log.finish(id, [turnEnd], { ...completed, endedAt: 10 });
    const kept = await runningTurn(store);
    await store.log.finish(kept.id, [turnEnd], { ...completed, endedAt: 20 });
    expect(await store.log.prune(20)).toBe(1);
    expect(await store.log.prune(20)).toBe(0);
    expect((await store.turns.byId(id))?.eventsPrunedAt).toBeGreaterThan(0);
    expect(await readAll(store.log.read(id))).toEqual([]);
    expect(await readAll(store.log.read(kept.id))).toEqual([turnEnd]);
  });

  it('writes all pending events and completes all readers when it closes', async () => {
    const leaving = kind === 'sqlite' ? await newStore(kind) : await store.again();
    const { id } = await runningTurn(leaving);
    const { thread } = await leaving.threads.findOrCreate(newThread());
    const queued = (await leaving.turns.create(newTurn(thread.id))).turn;
    const readers = [id, queued.id].map((turnId) => reader(leaving.log.read(turnId)));
    leaving.log.append(id, [text('a')]);
    await leaving.log.close();
    await expect.poll(() => readers.map(({ seen }) => seen.end)).toEqual(['complete', 'complete']);
    expect(readers[0]?.seen.events).toEqual([text('a')]);
    expect(
      await leaving.database.kysely.selectFrom('turn_events').select('events').where('turn_id', '=', id).execute(),
    ).toEqual([{ events: JSON.stringify([text('a')]) }]);
    if (kind === 'sqlite') await leaving.remove();
  });

  it('keeps all committed events when its process is killed during a write', async ({ onTestFinished }) => {
    const turn = await runningTurn(store);
    store.log.abandon(turn.id, new Error('the test writes from another process'));
    const script = fileURLToPath(new URL('../__fixtures__/write-until-killed.mjs', import.meta.url));
    const child = spawn(process.execPath, [script, JSON.stringify(store.options), JSON.stringify(turn)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let written = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      written = Number(line);
      if (written >= 500 && !child.killed) child.kill('SIGKILL');
    }
    expect(written).toBeGreaterThanOrEqual(500);
    const after = await store.again();
    const taken = await after.turns.reclaim(turn.id, { owner: 'b', now: 2_500, fromAttempt: 1 });
    if (taken === undefined) throw new Error('the turn was not taken over');
    const earlier = await after.log.open(taken);
    expect(earlier.length).toBeGreaterThanOrEqual(written);
    expect(earlier).toEqual(Array.from({ length: earlier.length }, (_, index) => text(`${index} `)));
    await after.log.handOff(turn.id);
  });
});
