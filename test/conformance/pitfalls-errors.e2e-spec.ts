// C 30 to 35: errors and retries.
import supertest from 'supertest';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/app-config.js';
import { EventLog } from '../../src/storage/event-log/event-log.js';
import { TurnRunner } from '../../src/turns/running/turn.runner.js';
import { eventually } from '../support/eventually.js';
import { ask, thread } from '../support/requests.js';
import { textBlock } from '../support/scripted-harness.js';
import { checkGrammar } from '../support/stream-grammar.js';
import { CLAUDE_CODE, ConformanceServer, expectError } from './support/server.js';

const server = new ConformanceServer();

it('C 30 an error is in Anthropic’s envelope with the id of the request, whatever was wrong', async () => {
  expectError(await server.post('{'), 400, 'invalid_request_error');
  expectError(await supertest(server.url).get('/v2/chat/completions'), 404, 'not_found_error');
  server.plays('breaks', (run) => run.fail('internal', 'broken'));
  expectError(await server.post(ask('breaks')), 500, 'api_error', /^broken$/);
});

it('C 31 an error in mid-stream is an event of the stream', async () => {
  server.plays('breaks later', (run) => {
    run.text('half');
    run.fail('internal', 'broken');
  });
  const stream = await server.open(ask('breaks later', { stream: true })).done();
  expect(stream.events.at(-1)).toMatchObject({ type: 'error', error: { type: 'api_error', message: 'broken' } });
});

describe('the retry header', () => {
  it.each([
    ['overloaded', 529, 'retry-after', /^\d+$/],
    ['rate_limit', 429, 'retry-after', /^\d+$/],
    ['billing', 500, 'x-should-retry', /^false$/],
    ['permission', 500, 'x-should-retry', /^false$/],
    ['bad_request', 400, 'x-should-retry', /^false$/],
  ] as const)('C 32 of %s (%i) is %s', async (kind, status, header, value) => {
    server.plays(kind, (run) => run.fail(kind));
    const { headers } = await server.post(ask(kind)).expect(status);
    expect((headers as Readonly<Record<string, string>>)[header]).toMatch(value);
  });

  const small = new ConformanceServer({ maxConcurrentTurns: 1, maxWaitingTurns: 1 });

  it('C 32 is absent while the queue has room: the request is queued', async () => {
    const { stream: first, run } = await small.held('first');
    const second = small.open(ask('second', { stream: true }));
    await eventually(() => small.app.app.get(TurnRunner).counts.pending).toBe(1);
    const refused = await small.post(ask('third')).expect(529);
    expect(Number((refused.headers as Readonly<Record<string, string>>)['retry-after'])).toBeGreaterThan(0);
    run.end();
    await Promise.all([first.done(), second.done()]);
    expect([second.status, second.said]).toEqual([200, 'fine']);
  });

  const { apiKeys } = readConfig({ CHIRON_API_KEYS: 'team:the-key-that-is-long-enough' });
  const closed = new ConformanceServer({ apiKeys });

  it('C 33 of a wrong key forbids a retry; Claude Code would retry for minutes', async () => {
    const response = await closed.post(ask('hi'), { ...CLAUDE_CODE, 'x-api-key': 'wrong' });
    expectError(response, 401, 'authentication_error');
    expect(response.headers['x-should-retry']).toBe('false');
  });
});

it('C 34 the fallback from a stream to an unstreamed request runs no tool twice', async () => {
  const body = server.conversation('runs a tool');
  const { stream, run } = await server.held('runs a tool', body);
  run.say({ type: 'tool-call', id: 't', name: 'Bash', server: 'agent', input: { command: 'deploy' } });
  await stream.sees('deploy');
  stream.leave();
  const whole = server.post({ ...body, max_tokens: 64_000 }, thread('runs a tool')).then((response) => response);
  await eventually(() => server.app.app.get(EventLog).stats.readers).toBe(1);
  run.end(
    { type: 'tool-result', id: 't', content: [{ type: 'text', text: 'ok' }], isError: false },
    ...textBlock('Done.'),
  );
  const types = ((await whole).body as { readonly content: readonly { readonly type: string }[] }).content;
  expect(types.map(({ type }) => type)).toEqual(['mcp_tool_use', 'mcp_tool_result', 'text']);
  expect(server.harness.runsOf('runs a tool')).toHaveLength(1);
});

describe('a caller that disconnects', () => {
  const readers = () => server.app.app.get(EventLog).stats.readers;

  it('C 35 leaves the turn running, and gets the complete answer when it retries', async () => {
    const { stream, run } = await server.held('leaves');
    run.text('one ', 'a');
    await stream.sees('one');
    stream.leave();
    await eventually(readers).toBe(0);
    expect([run.interrupted, run.abandoned]).toEqual([false, false]);
    run.text('two ', 'b');
    const again = server.open(ask('leaves', { stream: true }), thread('leaves'));
    await again.sees('two');
    run.end();
    await again.done();
    expect([again.messageId, again.said]).toEqual([stream.messageId, 'one two ']);
    expect(checkGrammar(again.events)).toEqual([]);
  });

  it('C 35 before the first byte leaves the turn running, and no reader behind', async () => {
    server.waits('leaves early');
    const callers = Array.from({ length: 10 }, () =>
      server.open(ask('leaves early', { stream: true }), thread('early')),
    );
    const run = await server.harness.run('leaves early');
    for (const caller of callers) caller.leave();
    await eventually(readers).toBe(0);
    expect(run.abandoned).toBe(false);
    run.answer('nobody heard it');
    const again = await server.open(ask('leaves early', { stream: true }), thread('early')).done();
    expect(again.said).toBe('nobody heard it');
    await eventually(() => server.app.app.get(TurnRunner).counts).toEqual({ running: 0, pending: 0 });
  });
});
