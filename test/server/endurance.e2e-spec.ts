import { rmSync } from 'node:fs';
import supertest from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { eventually } from '../support/eventually.js';
import { HarnessGateway } from '../../src/harness/harness.gateway.js';
import { EventLog } from '../../src/storage/event-log/event-log.js';
import { TurnRunner } from '../../src/turns/running/turn.runner.js';
import { skipAhead } from '../support/clock.js';
import { ask, converse, thread } from '../support/requests.js';
import { CALL_USAGE, modelCall, textBlock } from '../support/scripted-harness.js';
import { SseClient } from '../support/sse-client.js';
import { checkGrammar } from '../support/stream-grammar.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const STREAM = { stream: true };

const say = (app: TestApp, prompt: string, more: Readonly<Record<string, unknown>> = STREAM): SseClient =>
  SseClient.post(app.url, converse(['hello', 'Hi.', prompt], more), thread(prompt));

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a turn', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
  });

  afterEach(() => {
    app.harness.heedsInterruptions = true;
  });

  afterAll(() => app.close());

  it('that takes longer than the server allows is stopped, and its message says so', async () => {
    const caller = say(app, 'too long');
    const run = await app.harness.run('too long');
    run.text('working');
    await caller.sees('working');
    skipAhead(3_601_000);
    await caller.done();
    expect(run.interrupted).toBe(true);
    expect(caller.said).toMatch(/working\[Turn stopped: it exceeded this server's time limit of 3600 s/);
    expect(caller.types.at(-1)).toBe('message_stop');
    expect(checkGrammar(caller.events)).toEqual([]);
  });

  it('whose harness falls silent is resumed once, and then fails', async () => {
    const caller = say(app, 'stalls');
    const first = await app.harness.run('stalls');
    first.text('hm');
    await caller.sees('hm');
    skipAhead(601_000);
    const second = await app.harness.run('stalls', 2);
    expect(second.turn).toMatchObject({ id: first.turn.id, attempt: 2 });
    skipAhead(1_300_000);
    await caller.done();
    expect(caller.types.at(-1)).toBe('error');
    expect(app.harness.runsOf('stalls')).toHaveLength(2);
    expect(checkGrammar(caller.events)).toEqual([]);
  });

  it('whose harness is silent while a tool runs is not stopped', async () => {
    const caller = say(app, 'long tool');
    const run = await app.harness.run('long tool');
    run.say({ type: 'tool-call', id: 't', name: 'Bash', server: 'agent', input: { command: 'make' } });
    await caller.sees('mcp_tool_use');
    skipAhead(1_200_000);
    // The empty delta comes from the same clock as the search for silent harnesses, and before the next one of those.
    await caller.sees('thinking_delta');
    await expect.poll(() => app.harness.runsOf('long tool').length, { interval: 1500 }).toBe(1);
    expect(run.abandoned).toBe(false);
    run.end({ type: 'tool-result', id: 't', content: [], isError: false }, ...textBlock('made'));
    await caller.done();
    expect(caller.said).toBe('made');
    expect(checkGrammar(caller.events)).toEqual([]);
  });

  it('whose harness dies continues in another: a reader of the partial text sees it closed, others do not see it', async () => {
    const witness = say(app, 'dies');
    const first = await app.harness.run('dies');
    first.say(
      { type: 'session-started', sessionId: 'session-1' },
      ...modelCall(textBlock('whole. ', 'a')),
      { type: 'tool-call', id: 't', name: 'Bash', server: 'agent', input: {} },
      { type: 'tool-result', id: 't', content: [{ type: 'text', text: 'ran' }], isError: false },
      ...textBlock('lost. ', 'l'),
      { type: 'text-delta', id: 'b', text: 'half a sen' },
    );
    await witness.sees('half a sen');
    first.fail('process_died');
    const second = await app.harness.run('dies', 2);
    expect(second.turn).toMatchObject({ id: first.turn.id, attempt: 2 });
    expect(second.thread.sessionId).toBe('session-1');
    second.say({ type: 'block-dropped', id: 'l' }, ...textBlock('lost. ', 'l'));
    const late = say(app, 'dies');
    second.end(...modelCall(textBlock('The rest.', 'c')));
    await Promise.all([witness.done(), late.done()]);
    expect(late.messageId).toBe(witness.messageId);
    expect(witness.said).toBe('whole. lost. half a senlost. The rest.');
    expect(late.said).toBe('whole. lost. The rest.');
    for (const caller of [witness, late]) {
      expect(checkGrammar(caller.events)).toEqual([]);
      expect(caller.text.match(/"type":"mcp_tool_result"/g)).toHaveLength(1);
      expect(caller.events.at(-2)).toMatchObject({ usage: { output_tokens: 2 * CALL_USAGE.outputTokens } });
    }
  });

  it('whose harness dies again and again fails in the end', async () => {
    const caller = say(app, 'dies always');
    for (const attempt of [1, 2, 3]) (await app.harness.run('dies always', attempt)).fail('process_died', 'it is gone');
    await caller.done();
    expect(caller.status).toBe(500);
    expect(caller.text).toContain('it is gone');
    expect(app.harness.runsOf('dies always')).toHaveLength(3);
  });

  it('leaves nothing behind when it is over, however it ended', async () => {
    await eventually(() => app.app.get(EventLog).stats).toEqual({ liveTurns: 0, readers: 0, pendingEvents: 0 });
    expect(app.app.get(TurnRunner).counts).toEqual({ running: 0, pending: 0 });
    expect(app.app.get(HarnessGateway).counts.running).toBe(0);
    const gone = Array.from({ length: 20 }, (_, index) => say(app, `gone ${index}`));
    // Some leave before the server knows of them, some while it looks for their turn.
    for (const [index, caller] of gone.entries()) setTimeout(() => caller.leave(), index);
    await eventually(() => gone.every((caller) => caller.closed)).toBe(true);
    await eventually(() => app.app.get(EventLog).stats.readers).toBe(0);
  });
});

describe('a server that is asked to stop', () => {
  const dataDirectories: string[] = [];

  afterAll(() => {
    for (const folder of dataDirectories) rmSync(folder, { recursive: true, force: true });
  });

  async function start(settings: Parameters<typeof startTestApp>[0] = {}): Promise<TestApp> {
    const app = await startTestApp(settings);
    dataDirectories.push(app.dataDirectory);
    return app;
  }

  it('accepts nothing new with a 503, and lets the running turn end', async () => {
    const app = await start({ drainMs: 10_000 });
    const caller = say(app, 'running');
    const run = await app.harness.run('running');
    const closed = app.close({ keepData: true });
    await eventually(async () => (await supertest(app.url).get('/readyz')).status).toBe(503);
    await supertest(app.url).get('/healthz').expect(200);
    const refused = await say(app, 'new').done();
    expect(refused.status).toBe(503);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    const retry = say(app, 'running');
    await eventually(() => app.app.get(EventLog).stats.readers).toBe(2);
    run.answer('just in time');
    expect((await caller.done()).said).toBe('just in time');
    expect((await retry.done()).said).toBe('just in time');
    await closed;
  });

  it('sets the turn aside; its retry gets the complete message from the next server', async () => {
    const first = await start();
    const caller = say(first, 'unfinished');
    const run = await first.harness.run('unfinished');
    run.say({ type: 'session-started', sessionId: 'session-7' }, ...textBlock('Before. ', 'a'), {
      type: 'text-delta',
      id: 'b',
      text: 'half',
    });
    await caller.sees('half');
    await first.close({ keepData: true });
    await caller.done();
    expect(caller.types.slice(-2)).toEqual(['content_block_stop', 'error']);
    expect(caller.text).toContain('"type":"overloaded_error"');
    expect(checkGrammar(caller.events)).toEqual([]);
    expect(run.abandoned).toBe(true);

    const second = await start({ dataDirectory: first.dataDirectory });
    const resumed = await second.harness.run('unfinished');
    expect(resumed.turn).toMatchObject({ id: run.turn.id, attempt: 2 });
    expect(resumed.thread).toMatchObject({ id: run.thread.id, sessionId: 'session-7' });
    const retry = say(second, 'unfinished');
    resumed.end(...textBlock('After.', 'c'));
    await retry.done();
    expect(retry.messageId).toBe(caller.messageId);
    expect(retry.said).toBe('Before. After.');
    expect(checkGrammar(retry.events)).toEqual([]);
    await second.close({ keepData: true });
  });

  it('asks callers whose turn waits, or has emitted nothing, to retry', async () => {
    const first = await start({ maxConcurrentTurns: 1 });
    const running = say(first, 'mute', {});
    await first.harness.run('mute');
    const waiting = say(first, 'waits', {});
    await eventually(() => first.app.get(TurnRunner).counts.pending).toBe(1);
    await first.close({ keepData: true });
    for (const caller of [running, waiting]) {
      await caller.done();
      expect(caller.status).toBe(529);
      expect(caller.text).toContain('"type":"overloaded_error"');
    }
    const second = await start({ dataDirectory: first.dataDirectory });
    (await second.harness.run('mute')).answer('not mute');
    (await second.harness.run('waits')).answer('waited');
    const { body } = await supertest(second.url)
      .post('/v1/messages')
      .set(thread('waits'))
      .send(converse(['hello', 'Hi.', 'waits']))
      .expect(200);
    expect(body).toMatchObject({ content: [{ text: 'waited' }] });
    expect(second.harness.runsOf('waits')).toHaveLength(1);
    await second.close({ keepData: true });
  });

  it('does not wait for a second signal’s sender', async () => {
    const app = await start({ drainMs: 3_600_000 });
    const caller = say(app, 'hurry');
    await app.harness.run('hurry');
    const closed = app.close({ keepData: true });
    await eventually(() => app.app.get(TurnRunner).draining).toBe(true);
    app.app.get(TurnRunner).skipDrain();
    await closed;
    await caller.done();
    expect(caller.text).toContain('overloaded_error');
  });

  it('keeps what was finished: the same request gets it from the next server', async () => {
    const first = await start();
    const caller = say(first, 'kept');
    (await first.harness.run('kept')).answer('kept for you');
    await caller.done();
    await first.close({ keepData: true });
    const second = await start({ dataDirectory: first.dataDirectory });
    const again = await say(second, 'kept').done();
    expect(again.text).toBe(caller.text);
    expect(second.harness.runs).toEqual([]);
    const next = SseClient.post(second.url, ask('next', STREAM), thread('kept'));
    const run = await second.harness.run('next');
    expect(run.turn.turnIndex).toBe(1);
    run.answer('ok');
    await next.done();
    await second.close({ keepData: true });
  });
});
