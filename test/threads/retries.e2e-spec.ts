import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventLog } from '../../src/storage/event-log/event-log.js';
import type { Message } from '../../src/anthropic/stream-event.js';
import { eventually } from '../support/eventually.js';
import { ask, converse, thread } from '../support/requests.js';
import { SseClient } from '../support/sse-client.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

let app: TestApp;

beforeEach(async () => {
  app = await startTestApp({ maxConcurrentTurns: 100 });
});

afterEach(() => app.close());

const STREAM = { stream: true };
const count = (retries: number): Record<string, string> => ({ 'x-stainless-retry-count': String(retries) });
const times = <Value>(length: number, make: (index: number) => Value): Value[] =>
  Array.from({ length }, (_, i) => make(i));
const open = (body: object, headers: Readonly<Record<string, string>> = {}) => SseClient.post(app.url, body, headers);

/** Sends ten identical requests that are marked as no retries, and waits until all of them have a turn. */
async function ten(body: object): Promise<readonly SseClient[]> {
  const callers = times(10, () => open(body, count(0)));
  await eventually(() => app.harness.runs.length).toBe(10);
  for (const run of app.harness.runs) run.say({ type: 'text-delta', id: 'a', text: 'half ' });
  await Promise.all(callers.map((caller) => caller.sees('half ')));
  return callers;
}

/** Answers all turns; returns the message ids that the callers get. */
async function answered(callers: readonly SseClient[]): Promise<readonly string[]> {
  for (const run of app.harness.runs) if (!run.ended) run.answer('done');
  await Promise.all(callers.map((caller) => caller.done()));
  return callers.map(({ messageId }) => messageId);
}

const keyOf = ({ headers }: SseClient): unknown => headers['x-chiron-thread-key'];

describe('concurrent identical requests that the SDK marks as no retries', () => {
  it('start a turn each, on separate threads', async () => {
    const callers = await ten(ask('best of ten', STREAM));
    expect(new Set(await answered(callers)).size).toBe(10);
    expect(new Set(callers.map(keyOf)).size).toBe(10);
    expect(await app.count('turns')).toBe(10);
  });

  it('start a turn each without streaming, too', async () => {
    app.harness.onRun = (run) => run.answer('done');
    const answers = await Promise.all(times(10, () => open(ask('whole'), count(0)).done()));
    const ids = answers.map(({ text }) => (JSON.parse(text) as Message).id);
    expect(new Set(ids).size).toBe(10);
  });

  it('start a turn each when they continue a conversation, and each agent knows it', async () => {
    app.harness.onRun = (run) => run.answer('fine');
    await open(ask('one'), count(0)).done();
    app.harness.onRun = () => undefined;
    app.harness.runs.length = 0;
    const callers = await ten(converse(['one', 'fine', 'two'], STREAM));
    expect(new Set(await answered(callers)).size).toBe(10);
    const knows = app.harness.runs.map(({ turn }) => turn.turnIndex === 1 || (turn.seed ?? []).length > 0);
    expect(knows).toEqual(times(10, () => true));
  });

  it('share one turn without that header', async () => {
    const callers = times(10, () => open(ask('silent', STREAM)));
    const run = await app.harness.run('silent');
    await eventually(() => app.count('turns')).toBe(1);
    run.answer('done');
    await Promise.all(callers.map((caller) => caller.done()));
    expect(new Set(callers.map(({ messageId }) => messageId)).size).toBe(1);
  });

  it.each([
    ['a thread key', thread('one'), {}],
    ['the same idempotency key', { 'idempotency-key': 'k' }, {}],
    ['a new message thread', {}, { thread: { type: 'create' } }],
    [
      'a session of Claude Code',
      { 'x-claude-code-session-id': 's', 'user-agent': 'claude-cli/2.1.330' },
      { tools: [{ name: 'Bash' }] },
    ],
  ])('share one turn with %s', async (name, headers, more) => {
    const callers = times(10, () => open(ask(name, { ...STREAM, ...more }), { ...headers, ...count(0) }));
    const run = await app.harness.run(name);
    run.say({ type: 'text-delta', id: 'a', text: 'half ' });
    await Promise.all(callers.map((caller) => caller.sees('half ')));
    expect(new Set(await answered(callers)).size).toBe(1);
    expect(app.harness.runsOf(name)).toHaveLength(1);
  });

  it('start a turn per idempotency key, and each key gets its own turn again', async () => {
    app.harness.onRun = (run) => run.answer('done');
    const keyed = (index: number) => open(ask('keys', STREAM), { ...count(0), 'idempotency-key': `k${index}` }).done();
    // More than the server searches when identical requests have no keys.
    const first = await Promise.all(times(30, keyed));
    const again = await Promise.all(times(30, keyed));
    expect(again.map(({ messageId }) => messageId)).toEqual(first.map(({ messageId }) => messageId));
    expect(new Set(again.map(({ messageId }) => messageId)).size).toBe(30);
  });
});

describe('a retry of one of several identical requests', () => {
  it('attaches to a turn whose caller lost its connection, and the next retry to another such turn', async () => {
    const callers = await ten(ask('lost', STREAM));
    const lost = [callers[2], callers[7]];
    for (const caller of lost) caller?.leave();
    await eventually(() => lost.every((caller) => caller?.closed)).toBe(true);
    const retries = times(2, () => open(ask('lost', STREAM), count(1)));
    await Promise.all(retries.map((retry) => retry.sees('half ')));
    const ids = await answered(retries);
    expect(ids.toSorted()).toEqual(lost.map((caller) => caller?.messageId ?? '').toSorted());
    expect(await app.count('turns')).toBe(10);
  });

  it('attaches to one of their turns before the server has noticed the lost connection', async () => {
    const callers = await ten(ask('unseen', STREAM));
    const retry = open(ask('unseen', STREAM), count(2));
    await retry.sees('half ');
    const [id = ''] = await answered([retry]);
    expect(callers.map(({ messageId }) => messageId)).toContain(id);
    expect(await app.count('turns')).toBe(10);
  });

  it('attaches to the only turn whose answer was not delivered', async () => {
    const callers = await ten(ask('left over', STREAM));
    callers[4]?.leave();
    await eventually(() => callers[4]?.closed).toBe(true);
    await answered(callers.filter((caller) => caller !== callers[4]));
    const retry = await open(ask('left over', STREAM), count(1)).done();
    expect(retry.messageId).toBe(callers[4]?.messageId);
    expect(await app.count('turns')).toBe(10);
  });

  it('attaches to the undelivered turn also when it continues a conversation', async () => {
    app.harness.onRun = (run) => run.answer('fine');
    await open(ask('one'), count(0)).done();
    app.harness.onRun = () => undefined;
    app.harness.runs.length = 0;
    const body = converse(['one', 'fine', 'two'], STREAM);
    const callers = await ten(body);
    callers[9]?.leave();
    await eventually(() => callers[9]?.closed).toBe(true);
    const retry = open(body, count(1));
    await retry.sees('half ');
    expect(await answered([retry])).toEqual([callers[9]?.messageId]);
  });

  it('attaches after a restart, each retry to a turn of its own', async () => {
    const before = app;
    const callers = await ten(ask('restart', STREAM));
    await before.close({ keepData: true });
    app = await startTestApp({ dataDirectory: before.dataDirectory, maxConcurrentTurns: 100 });
    const retries = times(10, () => open(ask('restart', STREAM), count(1)));
    await eventually(() => app.harness.runs.length).toBe(10);
    await eventually(() => app.app.get(EventLog).stats.readers).toBe(10);
    const ids = await answered(retries);
    expect(ids.toSorted()).toEqual(callers.map(({ messageId }) => messageId).toSorted());
    expect(await app.count('turns')).toBe(10);
  });

  it('starts a turn when the original request never arrived', async () => {
    const retry = open(ask('never arrived', STREAM), count(1));
    (await app.harness.run('never arrived')).answer('done');
    expect((await retry.done()).said).toBe('done');
  });

  it('does not attach to a turn of another model or of a named thread', async () => {
    open(ask('mine', STREAM), thread('named'));
    open(ask('mine', { ...STREAM, model: 'claude-haiku-4-5' }), count(0));
    await eventually(() => app.harness.runs.length).toBe(2);
    open(ask('mine', STREAM), count(1));
    await eventually(() => app.harness.runs.length).toBe(3);
  });
});
