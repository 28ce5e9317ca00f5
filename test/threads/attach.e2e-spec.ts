// Over 250 lines: keeps all cases in which two requests count as the same, or as different, in one place.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Socket } from 'node:net';
import supertest from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { eventually } from '../support/eventually.js';
import { EventLog } from '../../src/storage/event-log/event-log.js';
import { skipAhead } from '../support/clock.js';
import { ask, converse, thread } from '../support/requests.js';
import { modelCall, textBlock } from '../support/scripted-harness.js';
import { SseClient } from '../support/sse-client.js';
import { checkGrammar } from '../support/stream-grammar.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const STREAM = { stream: true };
const CLAUDE_CODE = { 'user-agent': 'claude-cli/2.1.330 (external, sdk-cli)' };

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp({ syncTimeoutMs: 100 });
});

afterEach(() => {
  vi.restoreAllMocks();
  app.harness.onRun = () => undefined;
});

afterAll(() => app.close());

const open = (body: object, headers: Readonly<Record<string, string>> = {}) => SseClient.post(app.url, body, headers);
const idOf = (text: string): string | undefined => /"id":"(msg_\w+)"/.exec(text)?.[1];

/** A conversation that ends with this text. It has a tool, as Claude Code's do; without one it would be a side request. */
const after = (text: string, more = {}) =>
  converse(['before', 'I see.', text], { tools: [{ name: 'Bash', input_schema: { type: 'object' } }], ...more });

describe('a repeated request', () => {
  it('attaches to the running turn and gets the message from its first event', async () => {
    const first = open(ask('attach', STREAM), thread('attach'));
    const run = await app.harness.run('attach');
    run.say({ type: 'text-delta', id: 'a', text: 'begin' });
    await first.sees('begin');
    const second = open(ask('attach', STREAM), thread('attach'));
    await second.sees('begin');
    run.end({ type: 'text-delta', id: 'a', text: 'ning' });
    await Promise.all([first.done(), second.done()]);
    expect(second.messageId).toBe(first.messageId);
    expect(second.said).toBe('beginning');
    expect(checkGrammar(second.events)).toEqual([]);
    expect(app.harness.runsOf('attach')).toHaveLength(1);
    expect(second.headers['request-id']).not.toBe(first.headers['request-id']);
  });

  it('attaches to the turn that kept running after its caller disconnected', async () => {
    const first = open(ask('leave', STREAM), thread('leave'));
    const run = await app.harness.run('leave');
    run.text('one ', 'a');
    await first.sees('one');
    first.leave();
    await eventually(() => first.closed).toBe(true);
    await eventually(() => app.app.get(EventLog).stats.readers).toBe(0);
    expect([run.interrupted, run.abandoned]).toEqual([false, false]);
    run.text('two ', 'b');
    const second = open(ask('leave', STREAM), thread('leave'));
    await second.sees('two');
    run.end();
    await second.done();
    expect(second.messageId).toBe(first.messageId);
    expect(second.said).toBe('one two ');
  });

  it('gets the answer that completed while no caller was connected', async () => {
    const first = open(ask('gone', STREAM), thread('gone'));
    const run = await app.harness.run('gone');
    first.leave();
    await eventually(() => first.closed).toBe(true);
    run.answer('nobody heard it');
    const second = await open(ask('gone', STREAM), thread('gone')).done();
    expect(second.said).toBe('nobody heard it');
    expect(app.harness.runsOf('gone')).toHaveLength(1);
  });

  it('with a history gets the completed answer again, byte for byte', async () => {
    const first = open(after('replay', STREAM), thread('replay'));
    (await app.harness.run('replay')).end(
      { type: 'tool-call', id: 't', name: 'Bash', server: 'agent', input: {} },
      ...modelCall(textBlock('done')),
    );
    await first.done();
    const second = await open(after('replay', STREAM), thread('replay')).done();
    expect(second.text).toBe(first.text);
  });

  it('gets the same id, blocks and usage after the events were pruned', async () => {
    const body = after('pruned');
    app.harness.onRun = (run) => run.end(...modelCall([...textBlock('a', 'a'), ...textBlock('b', 'b')]));
    const first = await supertest(app.url).post('/v1/messages').set(thread('pruned')).send(body).expect(200);
    const events = await app.count('turn_events');
    await app.app.get(EventLog).prune(Date.now() + 1);
    expect(await app.count('turn_events')).toBeLessThan(events);
    const second = await supertest(app.url).post('/v1/messages').set(thread('pruned')).send(body).expect(200);
    expect(second.body).toEqual(first.body);
    const streamed = await open(after('pruned', STREAM), thread('pruned')).done();
    expect(streamed.messageId).toBe(idOf(first.text));
    expect(streamed.said).toBe('ab');
    expect(checkGrammar(streamed.events)).toEqual([]);
  });

  it('without a history starts a new turn once the first answer was read to its end', async () => {
    app.harness.onRun = (run) => run.answer('ok');
    const first = await open(ask('go on', STREAM), thread('twice')).done();
    const second = await open(ask('go on', STREAM), thread('twice')).done();
    expect(second.messageId).not.toBe(first.messageId);
    expect(app.harness.runsOf('go on')).toHaveLength(2);
  });

  it('starts a new turn after a failure', async () => {
    const first = open(after('flaky'), thread('flaky'));
    (await app.harness.run('flaky')).fail('overloaded');
    expect((await first.done()).status).toBe(529);
    const second = open(after('flaky'), thread('flaky'));
    (await app.harness.run('flaky', 2)).answer('better');
    expect((await second.done()).status).toBe(200);
  });

  it('is recognised by its conversation, even if model, system, tools or limits differ', async () => {
    const first = open(after('variant', STREAM), thread('variant'));
    const run = await app.harness.run('variant');
    const variant = {
      model: 'claude-other',
      max_tokens: 64_000,
      system: 'other',
      tools: [{ name: 'New', input_schema: { type: 'object' } }],
      thinking: { type: 'enabled', budget_tokens: 2000 },
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'before', cache_control: { type: 'ephemeral' } }] },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'x', signature: 'y' },
            { type: 'text', text: 'I see.' },
          ],
        },
        { role: 'user', content: [{ type: 'text', text: 'variant' }] },
        { role: 'system', content: 'You have tokens left.' },
      ],
    };
    const second = open(variant, thread('variant'));
    // Two readers: the second request has attached.
    await eventually(() => app.app.get(EventLog).stats.readers).toBe(2);
    run.answer('the same');
    await Promise.all([first.done(), second.done()]);
    expect(idOf(second.text)).toBe(first.messageId);
    expect(app.harness.runsOf('variant')).toHaveLength(1);
  });

  it('sent 50 times at once starts one turn, and all callers get its message', async () => {
    const callers = Array.from({ length: 50 }, () => open(ask('fifty', STREAM), thread('fifty')));
    const run = await app.harness.run('fifty');
    await eventually(() => app.app.get(EventLog).stats.readers).toBe(50);
    run.answer('once');
    await Promise.all(callers.map((caller) => caller.done()));
    expect(new Set(callers.map((caller) => caller.text)).size).toBe(1);
    expect(app.harness.runsOf('fifty')).toHaveLength(1);
  });

  it('sent by 200 callers streams the same message to all of them', async () => {
    const body = after('crowd', STREAM);
    const callers = [open(body, thread('crowd'))];
    const run = await app.harness.run('crowd');
    for (let index = 0; index < 100; index += 1) run.say({ type: 'text-delta', id: 'a', text: `word${index} ` });
    while (callers.length < 200) callers.push(open(body, thread('crowd')));
    await expect.poll(() => app.app.get(EventLog).stats.readers, { timeout: 10_000 }).toBe(200);
    for (let index = 100; index < 200; index += 1) run.say({ type: 'text-delta', id: 'a', text: `word${index} ` });
    run.end();
    await Promise.all(callers.map((caller) => caller.done()));
    expect(new Set(callers.map((caller) => `${caller.messageId} ${caller.said}`)).size).toBe(1);
    expect(callers[0]?.said).toMatch(/^word0 .*word199 $/s);
    expect(app.harness.runsOf('crowd')).toHaveLength(1);
  });
});

describe('a request that names no thread', () => {
  it('attaches to its running turn when an SDK retries it, and gets the thread’s key', async () => {
    const first = open(ask('nameless', STREAM));
    const run = await app.harness.run('nameless');
    first.leave();
    const second = open(ask('nameless', STREAM));
    run.answer('here');
    await second.done();
    expect(second.said).toBe('here');
    expect(app.harness.runsOf('nameless')).toHaveLength(1);
    const third = open(ask('nameless', STREAM));
    (await app.harness.run('nameless', 2)).answer('new');
    await third.done();
    expect(third.headers['x-chiron-thread-key']).not.toBe(second.headers['x-chiron-thread-key']);
  });

  it.each([
    ['another model', { model: 'claude-haiku-4-5' }],
    ['another system prompt', { system: 'You are B.' }],
  ])('with %s starts a turn of its own, even with the same messages at the same time', async (name, more) => {
    const one = open(ask(name, STREAM));
    const two = open(ask(name, { ...STREAM, ...more }));
    (await app.harness.run(name)).answer('one');
    (await app.harness.run(name, 2)).answer('two');
    await Promise.all([one.done(), two.done()]);
    expect(one.headers['x-chiron-thread-key']).not.toBe(two.headers['x-chiron-thread-key']);
  });

  it('does not attach to a named thread', async () => {
    const named = open(ask('secret name', STREAM), thread('secret'));
    const run = await app.harness.run('secret name');
    const nameless = open(ask('secret name', STREAM));
    (await app.harness.run('secret name', 2)).answer('mine');
    run.answer('theirs');
    expect((await nameless.done()).said).toBe('mine');
    expect((await named.done()).said).toBe('theirs');
  });

  it('sent 50 times at once starts one turn', async () => {
    const callers = Array.from({ length: 50 }, () => open(ask('nameless fifty', STREAM)));
    const run = await app.harness.run('nameless fifty');
    await eventually(() => app.app.get(EventLog).stats.readers).toBe(50);
    run.answer('once');
    await Promise.all(callers.map((caller) => caller.done()));
    expect(app.harness.runsOf('nameless fifty')).toHaveLength(1);
  });
});

describe('an idempotency-key', () => {
  it('identifies the turn: the same key gets the same answer, even after it was read', async () => {
    app.harness.onRun = (run) => run.answer('ok');
    const key = (name: string) => ({ ...thread('keyed'), 'idempotency-key': name });
    const first = await open(ask('keyed', STREAM), key('a')).done();
    const same = await open(ask('keyed', STREAM), key('a')).done();
    const other = await open(ask('keyed', STREAM), key('b')).done();
    expect(same.text).toBe(first.text);
    expect(other.messageId).not.toBe(first.messageId);
    expect(app.harness.runsOf('keyed')).toHaveLength(2);
  });

  it('that is empty or too long is a 400', async () => {
    for (const key of ['', 'x'.repeat(257)]) {
      const { status, text } = await open(ask('hi'), { 'idempotency-key': key }).done();
      expect([status, text]).toEqual([400, expect.stringContaining('idempotency-key')]);
    }
  });
});

describe('Claude Code', () => {
  it('gets the running turn’s complete message when it falls back to an unstreamed request', async () => {
    const streaming = open(after('fall back', STREAM), { ...CLAUDE_CODE, ...thread('fall back') });
    const run = await app.harness.run('fall back');
    run.text('half ', 'a');
    await streaming.sees('half');
    streaming.leave();
    const whole = open(after('fall back', { max_tokens: 64_000 }), { ...CLAUDE_CODE, ...thread('fall back') });
    await eventually(() => app.app.get(EventLog).stats.readers).toBe(1);
    run.end(...textBlock('and half', 'b'));
    await whole.done();
    expect(idOf(whole.text)).toBe(streaming.messageId);
    expect(whole.text).toContain('half ');
    expect(whole.text).toContain('and half');
    expect(app.harness.runsOf('fall back')).toHaveLength(1);
  });

  it('gets a retryable timeout before its own timeout on a long turn, and the message on the retry', async () => {
    const headers = { ...CLAUDE_CODE, ...thread('patience') };
    const first = await open(after('patience'), headers).done();
    expect(first.status).toBe(504);
    expect(first.headers['retry-after']).toBe('1');
    expect(first.text).toContain('"type":"timeout_error"');
    const run = await app.harness.run('patience');
    expect(run.interrupted).toBe(false);
    const second = open(after('patience'), headers);
    run.answer('worth it');
    await eventually(() => second.ended).toBe(true);
    expect(second.status).toBe(200);
    expect(second.text).toContain('worth it');
  });

  it('gets only the remainder of the answer when it reports that its stream was cut off', async () => {
    const first = open(after('cut', STREAM), { ...CLAUDE_CODE, ...thread('cut') });
    const run = await app.harness.run('cut');
    run.say({ type: 'text-delta', id: 'a', text: 'The first half' });
    await first.sees('The first half');
    first.leave();
    const repair = [
      { role: 'assistant', content: [{ type: 'text', text: 'The first half' }] },
      { role: 'user', content: 'Your response above was cut off mid-stream. Resume directly from where it stops.' },
    ];
    const { messages } = after('cut') as { readonly messages: readonly object[] };
    const second = open(after('', { ...STREAM, messages: [...messages, ...repair] }), {
      ...CLAUDE_CODE,
      ...thread('cut'),
    });
    run.end({ type: 'text-delta', id: 'a', text: ', the second half.' });
    await second.done();
    expect(second.said).toBe(', the second half.');
    expect(second.messageId).toBe(first.messageId);
    expect(checkGrammar(second.events)).toEqual([]);
    expect(app.harness.runs.filter((one) => one.thread.id === run.thread.id)).toHaveLength(1);
  });
});

describe('a caller without a fixed timeout', () => {
  it('that does not stream gets the headers and white space once the turn is slow', async () => {
    const caller = open(ask('slow'), thread('slow'));
    const run = await app.harness.run('slow');
    expect(caller.status).toBeUndefined();
    skipAhead(31_000);
    await eventually(() => caller.text).toBe(' ');
    expect(caller.status).toBe(200);
    run.answer('finally');
    await caller.done();
    expect(JSON.parse(caller.text)).toMatchObject({ content: [{ text: 'finally' }] });
  });

  it('that does not stream gets a closed connection when a slow turn fails', async () => {
    const caller = open(ask('slow failure'), thread('slow failure'));
    const run = await app.harness.run('slow failure');
    skipAhead(31_000);
    await eventually(() => caller.text).toBe(' ');
    run.fail('overloaded');
    await eventually(() => caller.closed).toBe(true);
    expect(caller.ended).toBe(false);
  });

  it('that streams gets pings in silence, and an empty delta after longer silence', async () => {
    const caller = open(ask('quiet', STREAM), thread('quiet'));
    const run = await app.harness.run('quiet');
    await caller.sees('message_start');
    skipAhead(11_000);
    await caller.sees('event: ping');
    expect(caller.types).toEqual(['message_start', 'ping']);
    skipAhead(45_000);
    await caller.sees('content_block_delta');
    run.answer('hello');
    await caller.done();
    expect(checkGrammar(caller.events)).toEqual([]);
    expect(caller.said).toBe('hello');
  });

  it('that stops reading uses no more memory than its buffers, and gets all events once it reads', async () => {
    const sockets: Socket[] = [];
    app.server.on('connection', (socket) => sockets.push(socket));
    const caller = open(ask('lazy', STREAM), thread('lazy'));
    const run = await app.harness.run('lazy');
    caller.pause();
    const text = 'x'.repeat(10_000);
    for (let index = 0; index < 2000; index += 1) {
      run.say({ type: 'text-delta', id: 'a', text });
      if (index % 50 === 0) await nextTurn();
    }
    run.end();
    await eventually(() => sockets.length).toBeGreaterThan(0);
    await expect.poll(() => sockets.at(-1)?.writableNeedDrain, { timeout: 5000 }).toBe(true);
    expect(Math.max(...sockets.map((socket) => socket.writableLength))).toBeLessThan(8 * 1024 * 1024);
    caller.resume();
    await caller.done();
    expect(caller.said).toHaveLength(20_000_000);
    expect(checkGrammar(caller.events)).toEqual([]);
  });
});
