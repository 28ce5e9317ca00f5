import { afterEach, describe, expect, it } from 'vitest';
import { readRecordedCalls } from '../../src/responses/__fixtures__/recorded-calls.js';
import { lastResponse, outputTextOf, parseResponseEvents, ResponseReader } from '../support/response-stream.js';
import { textBlock } from '../support/scripted-harness.js';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';

let app: TestApp;
afterEach(() => app.close());

async function start(settings: TestSettings = {}): Promise<TestApp> {
  app = await startTestApp(settings);
  return app;
}

/** The headers by which the server knows Codex and what it asks for. */
const HEADERS = ['x-codex-turn-metadata', 'thread-id', 'session-id', 'originator', 'user-agent'];

/** Sends a recorded request of Codex again; `change` replaces fields of its body. */
function send(
  name: string,
  index = 0,
  change: (body: { readonly input: readonly object[] }) => object = () => ({}),
  more: Readonly<Record<string, string>> = {},
): ResponseReader {
  const call = readRecordedCalls(name)[index];
  if (call === undefined) throw new Error(`${name} has no request ${index}`);
  const headers = Object.fromEntries(
    HEADERS.flatMap((header) => [[header, call.header(header)]]).filter(([, value]) => value !== undefined),
  );
  const body: { readonly input: readonly object[] } = JSON.parse(JSON.stringify(call.body));
  return ResponseReader.post(app.url, { ...body, model: 'claude-opus-5-5', ...change(body) }, {
    ...headers,
    ...more,
  } as Record<string, string>);
}

const userMessage = (text: string) => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] });

describe('a request of Codex', () => {
  it('begins the thread of its thread id, without Codex’s own instructions and tools', async () => {
    await start();
    app.harness.onRun = (run) => run.answer('Hello.');
    const reader = await send('codex-exec-first-turn').done();
    expect(outputTextOf(reader.response)).toBe('Hello.');
    expect(reader.headers.get('x-chiron-thread-key')).toBe('api:codex:01a21555-04bd-7941-b19f-dc398e16ef0e');
    expect(app.harness.opened[0]?.systemPrompt).toBeUndefined();
    expect(app.harness.runs[0]?.turn.callerTools).toBeUndefined();
    expect(app.harness.runsOf('SCENE:text hello')).toHaveLength(1);
  });

  it('that is tried again after its end gets the same turn, however often the answer was delivered', async () => {
    await start();
    app.harness.onRun = (run) => run.answer('Hello.');
    const first = await send('codex-exec-first-turn').done();
    const again = await send('codex-exec-first-turn').done();
    expect(again.response.id).toBe(first.response.id);
    expect(again.headers.get('x-codex-turn-state')).toBe('01a21555-05a3-7191-b6b9-7fd031d0b7a8');
    expect(await app.count('turns')).toBe(1);
  });

  it('gets only what is missing of an answer whose first items had arrived', async () => {
    await start();
    app.harness.onRun = (run) =>
      run.end(...textBlock('One.', 'a'), { type: 'thinking-delta', id: 't', text: 'Hm.' }, ...textBlock('Two.', 'b'));
    const first = await send('codex-exec-first-turn').done();
    const [message, reasoning, last] = first.response.output;
    const rest = await send('codex-exec-first-turn', 0, ({ input }) => ({
      input: [...input, ...[message, reasoning].filter((item) => item !== undefined)],
    })).done();
    const done = rest.events.flatMap((event) => (event.type === 'response.output_item.done' ? [event.item.id] : []));
    expect(done).toEqual([last?.id]);
    expect(rest.text).not.toContain('"delta":"One."');
    expect(await app.count('turns')).toBe(1);
  });

  it('shows what the agent runs as an item that Codex ignores, and as a line that it shows', async () => {
    await start();
    app.harness.onRun = (run) =>
      run.end({ type: 'tool-call', id: 't', name: 'Bash', server: 'agent', input: { command: 'ls' } });
    const { response } = await send('codex-exec-first-turn').done();
    expect(response.output.map(({ type }) => type)).toEqual(['message', 'mcp_call']);
    expect(outputTextOf(response)).toBe('Bash(ls)');
  });

  it('reports the usage of the last model call, for the size of the context', async () => {
    await start();
    const usage = {
      inputTokens: 5,
      outputTokens: 1,
      cacheReadInputTokens: 0,
      cacheCreationInputTokens: 0,
      thinkingTokens: 0,
    };
    app.harness.onRun = (run) =>
      run.end(
        { type: 'model-call-end', model: 'm', usage },
        { type: 'model-call-end', model: 'm', usage: { ...usage, inputTokens: 7 } },
      );
    const { response } = await send('codex-exec-first-turn').done();
    expect(response.usage).toMatchObject({ input_tokens: 7, total_tokens: 8 });
  });

  it('with words that were typed meanwhile hands only these to the running turn', async () => {
    await start();
    app.harness.isSteerable = true;
    const first = send('codex-tui-interrupt-and-steer', 1);
    const run = await app.harness.run('SCENE:slow six');
    run.text('Working.');
    await first.sees('Working.');
    first.leave();
    const second = send('codex-tui-interrupt-and-steer', 2);
    await expect.poll(() => run.steeredTexts, { timeout: 5000 }).toEqual(['SCENE:text steer words']);
    run.hear();
    run.end(...textBlock('Both.', 'b'));
    await second.done();
    expect(outputTextOf(second.response)).toBe('Working.Both.');
    expect(await app.count('turns')).toBe(1);
  });

  it('with words for a turn whose agent cannot be told waits for its end', async () => {
    await start();
    const first = send('codex-tui-interrupt-and-steer', 1);
    const run = await app.harness.run('SCENE:slow six');
    first.leave();
    const second = send('codex-tui-interrupt-and-steer', 2);
    await second.sees('response.created');
    run.answer('Six.');
    (await app.harness.run('SCENE:text steer words')).answer('Steered.');
    await second.done();
    expect(outputTextOf(second.response)).toBe('Steered.');
  });

  it('after an interruption stops the turn that still runs', async () => {
    await start();
    const first = send('codex-tui-interrupt-and-steer', 0, ({ input }) => ({ input: input.slice(0, -2) }));
    const run = await app.harness.run('SCENE:slow four');
    first.leave();
    const second = send('codex-tui-interrupt-and-steer', 0, () => ({ client_metadata: {} }));
    // The recorded one has the id of its own turn.
    (await app.harness.run('SCENE:text five after interrupt')).answer('Five.');
    await second.done();
    expect(run.interrupted).toBe(true);
  });

  it.each([
    ['a title', 'codex-tui-turn-and-title', 1, 'message'],
    ['a summary', 'codex-compaction-custom-provider', 0, 'message'],
    ['a compaction by the server', 'codex-compaction-trigger-openai-provider', 0, 'compaction'],
  ] as const)('for %s is answered without an agent, off the thread', async (_, name, index, type) => {
    await start();
    const reader = await send(name, index).done();
    const items = parseResponseEvents(reader.text).flatMap((event) =>
      event.type === 'response.output_item.done' ? [event.item] : [],
    );
    expect(items).toMatchObject([{ type }]);
    expect(lastResponse(reader.events)).toMatchObject({ status: 'completed', output: [{ type }] });
    expect([await app.count('threads'), app.harness.runs.length]).toEqual([0, 0]);
  });

  it('after a compaction goes on with the same agent, and forks nothing', async () => {
    await start();
    app.harness.onRun = (run) => run.answer('Yes.');
    await send('codex-compaction-custom-provider', 1, ({ input }) => ({
      // As it was before the compaction.
      input: [...input.slice(0, 3), userMessage('SCENE:bigusage turn1')],
    })).done();
    // The second turn of the same thread has another id.
    const reader = await send('codex-compaction-custom-provider', 1).done();
    expect(reader.headers.get('x-chiron-thread-key')).toBe('api:codex:01a21560-ec16-7301-b9a6-d5cb631fa177');
    expect(await app.count('threads')).toBe(1);
  });

  it('that forks a conversation gets a thread of its own, whose agent knows the earlier messages', async () => {
    await start();
    app.harness.onRun = (run) => run.answer('Yes.');
    const reader = await send('codex-fork').done();
    expect(reader.headers.get('x-chiron-history')).toBe('seeded');
    const seed = JSON.stringify(app.harness.runs[0]?.turn.seed);
    expect(seed).toContain('SCENE:bigusage turn1');
    expect(seed).not.toContain('environment_context');
  });
});

describe('a refusal of a request of Codex', () => {
  it('for an unknown model is a failed response, as Codex repeats other statuses', async () => {
    await start();
    const { status, response } = await send('codex-exec-first-turn', 0, () => ({ model: 'codex/x' })).done();
    expect(status).toBe(200);
    expect(response).toMatchObject({ status: 'failed', error: { code: 'invalid_prompt' } });
    expect(response.error?.message).toMatch(/not available here/);
  });

  it('for a busy thread makes it wait', async () => {
    await start({ onBusy: 'reject' });
    const thread = { 'x-chiron-thread-key': 'test:busy' };
    const first = send('codex-exec-first-turn', 0, () => ({}), thread);
    const run = await app.harness.run('SCENE:text hello');
    const { status, response } = await send('codex-fork', 0, () => ({}), thread).done();
    expect(status).toBe(200);
    expect(response.error).toEqual({
      code: 'rate_limit_exceeded',
      message: 'The thread is busy with another message. Please try again in 5s.',
    });
    run.answer('done');
    await first.done();
  });

  it('for a malformed body stays a 400, which Codex shows once', async () => {
    await start();
    const reader = await send('codex-exec-first-turn', 0, () => ({ input: [] })).done();
    expect(reader.status).toBe(400);
  });
});
