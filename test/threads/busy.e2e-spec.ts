import supertest from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { eventually } from '../support/eventually.js';
import { TurnRunner } from '../../src/turns/running/turn.runner.js';
import { skipAhead } from '../support/clock.js';
import { ask, converse, thread } from '../support/requests.js';
import { SseClient } from '../support/sse-client.js';
import { checkGrammar } from '../support/stream-grammar.js';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';

const STREAM = { stream: true };

let app: TestApp;

function serverWith(settings: TestSettings): void {
  beforeAll(async () => {
    app = await startTestApp(settings);
  });

  afterEach(() => {
    vi.restoreAllMocks();
    app.harness.heedsInterruptions = true;
  });

  afterAll(() => app.close());
}

const say = (prompt: string, name: string, more: Readonly<Record<string, unknown>> = STREAM): SseClient =>
  SseClient.post(app.url, ask(prompt, more), thread(name));

const waiting = () => app.app.get(TurnRunner).counts.pending;

describe('a message on a busy thread', () => {
  serverWith({ maxQueuedPerThread: 2 });

  it('is queued in order of arrival, and its stream reports that it is queued', async () => {
    const first = say('queue 1', 'queue');
    const run = await app.harness.run('queue 1');
    const second = say('queue 2', 'queue');
    await eventually(waiting).toBe(1);
    const third = say('queue 3', 'queue');
    await eventually(waiting).toBe(2);
    await third.sees('message_start');
    expect(app.harness.runsOf('queue 2')).toEqual([]);
    run.answer('one');
    (await app.harness.run('queue 2')).answer('two');
    (await app.harness.run('queue 3')).answer('three');
    const said = [await first.done(), await second.done(), await third.done()].map((caller) => caller.said);
    expect(said).toEqual(['one', 'two', 'three']);
    expect(checkGrammar(third.events)).toEqual([]);
    expect((await app.harness.run('queue 3')).turn.turnIndex).toBe(2);
  });

  it('is rejected when the queue is full, and leaves nothing in the store', async () => {
    const callers = [say('full 1', 'full')];
    const run = await app.harness.run('full 1');
    for (const prompt of ['full 2', 'full 3']) {
      callers.push(say(prompt, 'full'));
      await eventually(waiting).toBe(callers.length - 1);
    }
    const turns = await app.count('turns');
    const refused = await say('full 4', 'full').done();
    expect(refused.status).toBe(409);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(JSON.parse(refused.text)).toMatchObject({ error: { type: 'conflict_error' } });
    expect(await app.count('turns')).toBe(turns);
    run.answer('one');
    (await app.harness.run('full 2')).answer('two');
    (await app.harness.run('full 3')).answer('three');
    await Promise.all(callers.map((caller) => caller.done()));
  });

  it('is the same turn when it is retried while it is queued', async () => {
    say('again 1', 'again');
    const run = await app.harness.run('again 1');
    const second = say('again 2', 'again');
    await eventually(waiting).toBe(1);
    const retry = say('again 2', 'again');
    await retry.sees('message_start');
    expect(waiting()).toBe(1);
    run.answer('one');
    (await app.harness.run('again 2')).answer('two');
    expect((await retry.done()).messageId).toBe((await second.done()).messageId);
  });

  it.each([
    ['in the previous message', ['first', 'wor', '[Request interrupted by user]', 'understood', 'new wish']],
    ['in the message itself', ['first', 'wor', '[Request interrupted by user for tool use]']],
  ])('interrupts the running turn when the history has an interrupt marker %s', async (_, history) => {
    const name = `marker ${history.length}`;
    const interrupted = say('first', name);
    const run = await app.harness.run('first', app.harness.runsOf('first').length + 1);
    run.say({ type: 'text-delta', id: 'a', text: 'wor' });
    await interrupted.sees('wor');
    const messages = converse(history)['messages'] as object[];
    // Claude Code sends the marker as a separate user message, right before the new one.
    if (history.length > 3) messages.splice(3, 1);
    const next = SseClient.post(app.url, ask('', { ...STREAM, messages }), thread(name));
    await eventually(() => run.interrupted).toBe(true);
    await interrupted.done();
    expect(interrupted.events.at(-2)).toMatchObject({ delta: { stop_reason: 'end_turn' } });
    expect(checkGrammar(interrupted.events)).toEqual([]);
    await eventually(() => app.harness.runs.at(-1)).not.toBe(run);
    app.harness.runs.at(-1)?.answer('as you wish');
    expect((await next.done()).said).toBe('as you wish');
  });

  it('that interrupts the running turn leaves queued turns of other callers', async () => {
    const interrupted = say('mine', 'shared');
    const run = await app.harness.run('mine');
    const others = say('of another caller', 'shared');
    await eventually(waiting).toBe(1);
    const messages = converse(['mine', 'x', '[Request interrupted by user]'])['messages'] as object[];
    const next = SseClient.post(app.url, ask('', { ...STREAM, messages }), thread('shared'));
    await interrupted.done();
    expect(run.interrupted).toBe(true);
    (await app.harness.run('of another caller')).answer('still here');
    expect((await others.done()).said).toBe('still here');
    (await app.harness.run('[Request interrupted by user]')).answer('at last');
    expect((await next.done()).said).toBe('at last');
  });
});

describe('a message on a busy thread under the reject policy', () => {
  serverWith({ onBusy: 'reject' });

  it('is a retryable conflict, and does not affect the running turn', async () => {
    const first = say('busy', 'reject');
    const run = await app.harness.run('busy');
    const refused = await say('no', 'reject', {}).done();
    expect(refused.status).toBe(409);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(JSON.parse(refused.text)).toMatchObject({ error: { type: 'conflict_error' } });
    expect(await app.count('turns')).toBe(1);
    run.answer('done');
    expect((await first.done()).said).toBe('done');
  });
});

describe('a message on a busy thread under the interrupt policy', () => {
  serverWith({ onBusy: 'interrupt' });

  it('interrupts the running turn, which keeps its partial answer, and runs', async () => {
    const first = say('long story', 'interrupt', {});
    const run = await app.harness.run('long story');
    run.text('Once upon');
    const second = say('stop, do this', 'interrupt');
    await first.done();
    expect(run.interrupted).toBe(true);
    expect(JSON.parse(first.text)).toMatchObject({ content: [{ text: 'Once upon' }], stop_reason: 'end_turn' });
    (await app.harness.run('stop, do this')).answer('did it');
    expect((await second.done()).said).toBe('did it');
  });

  it('runs even if the harness ignores the interrupt', async () => {
    app.harness.heedsInterruptions = false;
    const first = say('stubborn', 'stubborn');
    const run = await app.harness.run('stubborn');
    run.text('I go on');
    const second = say('enough', 'stubborn');
    await eventually(() => run.interrupted).toBe(true);
    skipAhead(11_000);
    await first.done();
    expect(first.events.at(-2)).toMatchObject({ delta: { stop_reason: 'end_turn' } });
    (await app.harness.run('enough')).answer('at last');
    expect((await second.done()).said).toBe('at last');
    expect(app.harness.runsOf('stubborn')).toHaveLength(1);
  });
});

describe('cancelling a message', () => {
  serverWith({});

  const cancel = (id: string) => supertest(app.url).post(`/v1/messages/${id}/cancel`);

  it('ends its running turn; its callers get the partial answer', async () => {
    const caller = say('cancel me', 'cancel');
    const run = await app.harness.run('cancel me');
    run.say({ type: 'text-delta', id: 'a', text: 'some' });
    await caller.sees('some');
    await cancel(caller.messageId).expect(200, { cancelled: true });
    await caller.done();
    expect(run.interrupted).toBe(true);
    expect(caller.said).toBe('some');
    expect(checkGrammar(caller.events)).toEqual([]);
    await cancel(caller.messageId).expect(200, { cancelled: false });
  });

  it('removes it from the queue if it has not started', async () => {
    const running = say('in front', 'cancel queued');
    const run = await app.harness.run('in front');
    const queued = say('never mind', 'cancel queued');
    await queued.sees('message_start');
    await cancel(queued.messageId).expect(200, { cancelled: true });
    await queued.done();
    expect(queued.types).toEqual(['message_start', 'message_delta', 'message_stop']);
    run.answer('done');
    await running.done();
    expect(app.harness.runsOf('never mind')).toEqual([]);
  });

  it('is a 404 for an unknown message', async () => {
    await cancel('msg_nobody').expect(404, /not_found_error/);
  });
});

describe('a server with two slots and a queue of one', () => {
  serverWith({ maxConcurrentTurns: 2, maxWaitingTurns: 1 });

  it('queues the third turn, rejects the fourth with retry-after, and starts the third when a slot is free', async () => {
    const callers = ['room 1', 'room 2'].map((name) => say(name, name));
    const [one, two] = [await app.harness.run('room 1'), await app.harness.run('room 2')];
    const third = say('room 3', 'room 3');
    await third.sees('message_start');
    const threads = await app.count('threads');
    const refused = await say('room 4', 'room 4').done();
    expect(refused.status).toBe(529);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(JSON.parse(refused.text)).toMatchObject({ error: { type: 'overloaded_error' } });
    expect(await app.count('threads')).toBe(threads);
    // A retry of a stored turn needs no slot.
    const attached = say('room 1', 'room 1');
    await attached.sees('message_start');
    expect(app.harness.runsOf('room 3')).toEqual([]);
    one.answer('one');
    (await app.harness.run('room 3')).answer('three');
    two.answer('two');
    const said = [...callers, third, attached].map(async (caller) => (await caller.done()).said);
    expect(await Promise.all(said)).toEqual(['one', 'two', 'three', 'one']);
  });
});
