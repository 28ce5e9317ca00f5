import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FailureKind, HarnessEvent } from '../../src/domain/harness-event.js';
import { readPromptText } from '../../src/domain/prompt.js';
import type { StreamEvent } from '../../src/anthropic/stream-event.js';
import { ask, converse, thread } from '../support/requests.js';
import { CALL_USAGE, modelCall, textBlock } from '../support/scripted-harness.js';
import { parseEvents } from '../support/sse-client.js';
import { checkGrammar } from '../support/stream-grammar.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

/** A stream as the official SDK folds it: blocks and deltas by their index, the last usage over the first. */
function foldStream(events: readonly StreamEvent[]): object {
  let message: object = {};
  const content: Record<string, unknown>[] = [];
  for (const event of events) {
    if (event.type === 'message_start') message = event.message;
    if (event.type === 'message_delta') message = { ...message, ...event.delta, usage: event.usage };
    if (event.type === 'content_block_start') content.push({ ...event.content_block });
    if (event.type !== 'content_block_delta') continue;
    const block = content[event.index] ?? {};
    const { type: _, ...fields } = event.delta;
    for (const [name, value] of Object.entries(fields)) block[name] = `${String(block[name])}${value}`;
  }
  return { ...message, content };
}

const TOOLS: readonly HarnessEvent[] = [
  { type: 'thinking-delta', id: 't', text: 'hm' },
  { type: 'block-end', id: 't', signature: 'sig' },
  { type: 'tool-call', id: 'one', name: 'Bash', server: 'agent', input: { command: 'ls' } },
  { type: 'tool-result', id: 'one', content: [{ type: 'text', text: 'a.txt' }], isError: false },
  ...textBlock('There is a.txt.'),
];

describe('an answer as JSON', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
    app.harness.onRun = (run) => {
      const prompt = readPromptText(run.turn.prompt);
      if (prompt.startsWith('fail ')) run.fail(prompt.slice(5) as FailureKind, 'no luck');
      else if (prompt === 'two calls') run.end(...modelCall([]), ...modelCall(textBlock('two')));
      else if (prompt === 'late failure') {
        run.text('half');
        run.fail('rate_limit', 'slow down');
      } else if (prompt === 'max tokens') run.endAs('max_tokens');
      else run.end(...modelCall(TOOLS));
    };
  });

  afterAll(() => app.close());

  const post = (prompt: string, more = {}) =>
    supertest(app.url).post('/v1/messages').set(thread(prompt)).send(ask(prompt, more));

  it('has every field that SDKs read, the nullable ones as well', async () => {
    const response = await post('fields')
      .expect(200)
      .expect('content-type', /^application\/json/);
    const usage = {
      input_tokens: CALL_USAGE.inputTokens,
      output_tokens: CALL_USAGE.outputTokens,
      cache_creation_input_tokens: CALL_USAGE.cacheCreationInputTokens,
      cache_read_input_tokens: CALL_USAGE.cacheReadInputTokens,
      cache_creation: {
        ephemeral_5m_input_tokens: CALL_USAGE.cacheCreationInputTokens,
        ephemeral_1h_input_tokens: 0,
      },
    };
    expect(response.body).toEqual({
      id: expect.stringMatching(/^msg_/) as string,
      type: 'message',
      role: 'assistant',
      model: 'claude-opus-5-5',
      content: [
        { type: 'thinking', thinking: 'hm', signature: 'sig' },
        { type: 'mcp_tool_use', id: 'mcptoolu_one', name: 'Bash', server_name: 'agent', input: { command: 'ls' } },
        {
          type: 'mcp_tool_result',
          tool_use_id: 'mcptoolu_one',
          is_error: false,
          content: [{ type: 'text', text: 'a.txt', citations: null }],
        },
        { type: 'text', text: 'There is a.txt.', citations: null },
      ],
      stop_reason: 'end_turn',
      stop_sequence: null,
      stop_details: null,
      container: null,
      diagnostics: null,
      context_management: null,
      usage: {
        ...usage,
        output_tokens_details: { thinking_tokens: CALL_USAGE.thinkingTokens },
        server_tool_use: null,
        service_tier: 'standard',
        speed: null,
        inference_geo: null,
        iterations: [{ type: 'message', model: 'scripted', ...usage }],
      },
    });
    expect(response.headers['x-chiron-thread-key']).toBe('test:fields');
  });

  it('holds what the streamed answer to the same request holds', async () => {
    const conversation = { messages: converse(['before', 'yes?', 'same'])['messages'] };
    const whole = await post('same', conversation).expect(200);
    const streamed = await post('same', { ...conversation, stream: true }).expect(200);
    const events = parseEvents(streamed.text).map((event) => event.data);
    expect(checkGrammar(events)).toEqual([]);
    expect(foldStream(events)).toEqual(whole.body);
  });

  it('counts every model call of the turn, one by one and in all', async () => {
    const { body } = await post('two calls').expect(200);
    expect(body).toMatchObject({ usage: { input_tokens: 24, output_tokens: 10, cache_read_input_tokens: 200 } });
    expect((body as { usage: { iterations: unknown[] } }).usage.iterations).toHaveLength(2);
  });

  it('has the agent’s stop reason', async () => {
    await post('max tokens')
      .expect(200)
      .expect(/"stop_reason":"max_tokens"/);
  });

  it.each([
    ['bad_request', 400, 'invalid_request_error'],
    ['rate_limit', 429, 'rate_limit_error'],
    ['internal', 500, 'api_error'],
    ['overloaded', 529, 'overloaded_error'],
  ])('of an agent that fails with %s is an HTTP error %i', async (kind, status, type) => {
    const response = await post(`fail ${kind}`).expect(status);
    expect(response.body).toEqual({
      type: 'error',
      error: { type, message: 'no luck' },
      request_id: response.headers['request-id'],
    });
  });

  it.each(['authentication', 'billing', 'permission'])(
    'of an agent whose account fails with %s is the server’s own error, which says nothing of the account',
    async (kind) => {
      const response = await post(`fail ${kind}`).expect(500).expect('x-should-retry', 'false');
      expect(response.body).toEqual({
        type: 'error',
        error: {
          type: 'api_error',
          message: expect.stringMatching(/of this server.*Your own (key|account) is not the cause.*administrator\.$/),
          details: { error_code: 'agent_unavailable' },
        },
        request_id: response.headers['request-id'],
      });
    },
  );

  it('of an agent that fails later is an HTTP error too, as nothing was sent before', async () => {
    const response = await post('late failure').expect(429);
    expect(response.body).toMatchObject({ error: { type: 'rate_limit_error', message: 'slow down' } });
  });

  it('comes for `stream: false`, `stream: null` and no `stream` alike', async () => {
    for (const stream of [false, null, undefined]) {
      await post('falsy', { stream })
        .expect(200)
        .expect('content-type', /^application\/json/);
    }
  });
});

describe('the demo agent', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp({ defaultHarness: 'demo' });
  });

  afterAll(() => app.close());

  const say = (prompt: string, name: string) =>
    supertest(app.url)
      .post('/v1/messages')
      .set(thread(name))
      .send(ask(prompt, { stream: true }));

  it('counts the turns of its thread, so that continuity is visible', async () => {
    await say('hello', 'count').expect(/This is turn 1 of this thread/);
    await say('hello again', 'count').expect(/This is turn 2 of this thread/);
    await say('hello', 'another').expect(/This is turn 1 of this thread/);
  });

  it('runs a command in the workspace of the thread and shows it as an inner tool', async () => {
    const made = await say('!echo kept > file && pwd', 'shell').expect(200);
    expect(checkGrammar(parseEvents(made.text).map((event) => event.data))).toEqual([]);
    expect(made.text).toContain('"type":"mcp_tool_use"');
    expect(made.text).toContain('/workspace');
    await say('!cat file', 'shell').expect(/kept/);
    await say('!cat file', 'other shell').expect(/No such file/);
  });

  it('hides the server’s environment from its commands, but shows the requested model', async () => {
    process.env['CHIRON_E2E_SECRET'] = 'do-not-tell';
    const { text } = await say('!env', 'environment').expect(200);
    delete process.env['CHIRON_E2E_SECRET'];
    expect(text).not.toContain('do-not-tell');
    expect(text).toContain('CENTAUR_THREAD_KEY=test:environment');
  });

  it('fails as it is asked to', async () => {
    await say('/fail rate_limit', 'failing').expect(429);
  });

  it('streams as many deltas as it is asked for', async () => {
    const { text } = await say('/stream 5000 0', 'deltas').expect(200);
    const events = parseEvents(text).map((event) => event.data);
    expect(checkGrammar(events)).toEqual([]);
    expect(events.filter((event) => event.type === 'content_block_delta')).toHaveLength(5000);
  });
});
