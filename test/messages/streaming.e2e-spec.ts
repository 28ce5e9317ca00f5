import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FailureKind } from '../../src/domain/harness-event.js';
import { ask, thread } from '../support/requests.js';
import { modelCall, textBlock } from '../support/scripted-harness.js';
import { parseEvents, SseClient } from '../support/sse-client.js';
import { checkGrammar } from '../support/stream-grammar.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

describe('a streamed answer', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
  });

  afterAll(() => app.close());

  function stream(prompt: string, more: Readonly<Record<string, unknown>> = {}): SseClient {
    return SseClient.post(app.url, ask(prompt, { stream: true, ...more }), thread(prompt));
  }

  it('is, to the byte, the events of the Messages API', async () => {
    const caller = stream('exact');
    const run = await app.harness.run('exact');
    run.end(...modelCall(textBlock('Hello, wörld 🌍\n')));
    await caller.done();
    expect(caller.messageId).toMatch(/^msg_[0-9a-f]{24}$/);
    expect(caller.text.replace(caller.messageId, 'msg_ID')).toMatchInlineSnapshot(`
      "event: message_start
      data: {"type":"message_start","message":{"id":"msg_ID","type":"message","role":"assistant","model":"claude-opus-5-5","content":[],"stop_reason":null,"stop_sequence":null,"stop_details":null,"container":null,"diagnostics":null,"context_management":null,"usage":{"input_tokens":0,"output_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":null,"output_tokens_details":null,"server_tool_use":null,"service_tier":"standard","speed":null,"inference_geo":null,"iterations":null}}}

      event: content_block_start
      data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"","citations":null}}

      event: content_block_delta
      data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello, wörld 🌍\\n"}}

      event: content_block_stop
      data: {"type":"content_block_stop","index":0}

      event: message_delta
      data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null,"stop_details":null,"container":null},"usage":{"input_tokens":12,"output_tokens":5,"cache_creation_input_tokens":7,"cache_read_input_tokens":100,"cache_creation":{"ephemeral_5m_input_tokens":7,"ephemeral_1h_input_tokens":0},"output_tokens_details":{"thinking_tokens":2},"server_tool_use":null,"service_tier":"standard","speed":null,"inference_geo":null,"iterations":[{"type":"message","model":"scripted","input_tokens":12,"output_tokens":5,"cache_creation_input_tokens":7,"cache_read_input_tokens":100,"cache_creation":{"ephemeral_5m_input_tokens":7,"ephemeral_1h_input_tokens":0}}]},"context_management":null}

      event: message_stop
      data: {"type":"message_stop"}

      "
    `);
    expect(checkGrammar(caller.events)).toEqual([]);
  });

  it('has the headers that keep proxies from holding it back', async () => {
    const caller = stream('headers');
    (await app.harness.run('headers')).answer('hi');
    await caller.done();
    expect(caller.status).toBe(200);
    expect(caller.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'x-chiron-thread-key': 'test:headers',
      'request-id': expect.stringMatching(/^req_/) as string,
    });
    expect(caller.headers['content-length']).toBeUndefined();
    expect(caller.headers['content-encoding']).toBeUndefined();
  });

  it('sends each event as soon as the agent emits it', async () => {
    const caller = stream('live');
    const run = await app.harness.run('live');
    run.say({ type: 'text-delta', id: 'a', text: 'first' });
    await caller.sees('first');
    expect(caller.types).toEqual(['message_start', 'content_block_start', 'content_block_delta']);
    run.say({ type: 'text-delta', id: 'a', text: 'second' });
    await caller.sees('second');
    run.end();
    await caller.done();
    expect(caller.said).toBe('firstsecond');
    expect(checkGrammar(caller.events)).toEqual([]);
  });

  it('shows thinking, inner tools and text as blocks that follow each other', async () => {
    const caller = stream('blocks');
    const run = await app.harness.run('blocks');
    run.end(
      { type: 'session-started', sessionId: 's' },
      { type: 'thinking-delta', id: 't', text: 'hm' },
      { type: 'block-end', id: 't', signature: 'sig' },
      { type: 'text-delta', id: 'x', text: 'I look. ' },
      { type: 'tool-call', id: 'one', name: 'Bash', server: 'agent', input: { command: 'ls' } },
      { type: 'tool-call', id: 'two', name: 'query', server: 'warehouse', input: {} },
      { type: 'tool-result', id: 'two', content: [{ type: 'text', text: 'no table' }], isError: true },
      { type: 'tool-result', id: 'one', content: [{ type: 'text', text: 'a.txt' }], isError: false },
      ...textBlock('Done.', 'y'),
    );
    await caller.done();
    expect(checkGrammar(caller.events)).toEqual([]);
    const blocks = caller.events.flatMap((event) =>
      event.type === 'content_block_start' ? [[event.index, event.content_block.type]] : [],
    );
    expect(blocks).toEqual([
      [0, 'thinking'],
      [1, 'text'],
      [2, 'mcp_tool_use'],
      [3, 'mcp_tool_use'],
      [4, 'mcp_tool_result'],
      [5, 'mcp_tool_result'],
      [6, 'text'],
    ]);
    expect(caller.text).toContain('"server_name":"warehouse"');
    expect(caller.text).toContain('{"type":"signature_delta","signature":"sig"}');
    // Claude Code would run it on the caller's machine.
    expect(caller.text).not.toContain('"type":"tool_use"');
  });

  it('begins after a second of silence, so that the caller sees that it is answered', async () => {
    const caller = stream('silent');
    const run = await app.harness.run('silent');
    expect(caller.status).toBeUndefined();
    await caller.sees('message_start');
    expect(caller.types).toEqual(['message_start']);
    run.answer('at last');
    await caller.done();
    expect(caller.said).toBe('at last');
    expect(checkGrammar(caller.events)).toEqual([]);
  });

  it('ends with the real usage', async () => {
    const caller = stream('usage');
    (await app.harness.run('usage')).answer('hi');
    await caller.done();
    expect(caller.events.at(-2)).toMatchObject({
      type: 'message_delta',
      usage: { input_tokens: 12, output_tokens: 5, cache_read_input_tokens: 100, cache_creation_input_tokens: 7 },
    });
  });

  it('starts with the context of the thread so far', async () => {
    const first = SseClient.post(app.url, ask('context 1', { stream: true }), thread('context'));
    (await app.harness.run('context 1')).answer('hi');
    await first.done();
    const second = SseClient.post(app.url, ask('context 2', { stream: true }), thread('context'));
    await second.sees('message_start');
    expect(second.events.at(0)).toMatchObject({
      message: { usage: { input_tokens: 12, cache_read_input_tokens: 100, output_tokens: 0 } },
    });
    (await app.harness.run('context 2')).answer('hi');
    await second.done();
  });

  const failures: readonly (readonly [FailureKind, number, string])[] = [
    ['bad_request', 400, 'invalid_request_error'],
    ['context_too_long', 400, 'invalid_request_error'],
    ['not_found', 404, 'not_found_error'],
    ['rate_limit', 429, 'rate_limit_error'],
    ['internal', 500, 'api_error'],
    ['timeout', 504, 'timeout_error'],
    ['overloaded', 529, 'overloaded_error'],
  ];

  it.each(failures)('of an agent that fails at once with %s is an HTTP error %i', async (kind, status, type) => {
    const caller = stream(`early ${kind}`);
    const run = await app.harness.run(`early ${kind}`);
    // Signs of life are not yet an answer.
    run.say({ type: 'session-started', sessionId: 's' }, { type: 'notice', kind: 'retrying', message: 'again' });
    run.fail(kind, 'no luck');
    await caller.done();
    expect(caller.status).toBe(status);
    expect(caller.headers['content-type']).toMatch(/^application\/json/);
    const body: unknown = JSON.parse(caller.text);
    expect(body).toEqual({
      type: 'error',
      error: { type, message: kind === 'context_too_long' ? 'prompt is too long: no luck' : 'no luck' },
      request_id: caller.headers['request-id'],
    });
  });

  it('of an agent that fails later ends with an error that has the request’s id, and nothing after it', async () => {
    const caller = stream('late');
    const run = await app.harness.run('late');
    run.say({ type: 'text-delta', id: 'a', text: 'half a' });
    await caller.sees('half a');
    run.fail('overloaded', 'too much');
    await caller.done();
    expect(caller.status).toBe(200);
    expect(caller.types.slice(-2)).toEqual(['content_block_stop', 'error']);
    expect(parseEvents(caller.text).at(-1)).toEqual({
      name: 'error',
      data: {
        type: 'error',
        error: { type: 'overloaded_error', message: 'too much' },
        request_id: caller.headers['request-id'],
      },
    });
    expect(checkGrammar(caller.events)).toEqual([]);
  });

  it('of an agent that falls silent without its end is an error, early and late', async () => {
    const early = stream('vanishes early');
    // It is tried again before it is given up.
    app.harness.onRun = (run) => run.vanish();
    await early.done();
    app.harness.onRun = () => undefined;
    expect(early.status).toBe(500);
    expect(early.text).toContain('"type":"api_error"');

    const late = stream('vanishes late');
    const run = await app.harness.run('vanishes late');
    run.text('something');
    await late.sees('something');
    app.harness.onRun = (again) => again.vanish();
    run.vanish();
    await late.done();
    app.harness.onRun = () => undefined;
    expect(late.types.at(-1)).toBe('error');
    expect(checkGrammar(late.events)).toEqual([]);
  });
});
