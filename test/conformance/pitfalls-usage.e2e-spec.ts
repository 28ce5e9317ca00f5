// C 1 to 9: usage and context.
import supertest from 'supertest';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { skipAhead } from '../support/clock.js';
import { ask, thread } from '../support/requests.js';
import { CALL_USAGE, modelCall, textBlock } from '../support/scripted-harness.js';
import { codexRecording } from './support/recordings.js';
import { ConformanceServer } from './support/server.js';

const server = new ConformanceServer();

afterEach(() => {
  vi.restoreAllMocks();
});

const USAGE_OF_CALL = { input_tokens: 12, cache_read_input_tokens: 100, cache_creation_input_tokens: 7 };

it.each(['slow', 'quick'])('C 1 message_start of a %s turn has the context of the thread so far', async (speed) => {
  await server.post(ask('context 1'), thread(speed)).expect(200);
  const { stream, run } = await server.held(`context 2, ${speed}`, ask(`context 2, ${speed}`), thread(speed));
  if (speed === 'slow') {
    skipAhead(1100);
    await stream.sees('message_start');
  }
  run.end(...modelCall(textBlock('hi'), { ...CALL_USAGE, inputTokens: 99 }));
  await stream.done();
  expect(stream.events[0]).toMatchObject({ message: { usage: { ...USAGE_OF_CALL, output_tokens: 0 } } });
});

it('C 2 the stream has the cache counters at its end', async () => {
  const call = { ...CALL_USAGE, cacheCreation1hInputTokens: 4 };
  const { events, message } = await server.answer('cached', (run) => run.end(...modelCall(textBlock('hi'), call)));
  const usage = {
    ...USAGE_OF_CALL,
    cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 4 },
  };
  expect(events.at(-2)).toMatchObject({ usage: { ...usage, iterations: [usage] } });
  expect(message).toMatchObject({ usage });
});

it('C 3 message_delta waits for the usage, even if the text is complete long before', async () => {
  const { stream, run } = await server.held('late usage');
  run.say({ type: 'model-call-start', model: 'm', usage: CALL_USAGE }, ...textBlock('all said'));
  await stream.sees('content_block_stop');
  expect(stream.types).not.toContain('message_delta');
  run.say({ type: 'model-call-end', model: 'm', usage: { ...CALL_USAGE, outputTokens: 77 } });
  run.end();
  await stream.done();
  expect(stream.events.at(-2)).toMatchObject({ type: 'message_delta', usage: { ...USAGE_OF_CALL, output_tokens: 77 } });
});

it('C 4 input_tokens excludes cached tokens, even for Codex, which includes them', async () => {
  // The recording says 400 input tokens, 300 of them cached.
  const { message } = await server.answer('as Codex counts', (run) => run.finish(codexRecording('codex-text')));
  expect(message.usage).toMatchObject({ input_tokens: 100, cache_read_input_tokens: 300, output_tokens: 25 });
});

it('C 5 the last iteration is the context size, which the turn’s total is not', async () => {
  const grown = { ...CALL_USAGE, cacheReadInputTokens: 2000 };
  const { message } = await server.answer('a turn of three calls', (run) =>
    run.end(...modelCall([]), ...modelCall([]), ...modelCall(textBlock('done'), grown)),
  );
  expect(message.usage.iterations).toHaveLength(3);
  expect(message.usage.iterations?.at(-1)).toMatchObject({ input_tokens: 12, cache_read_input_tokens: 2000 });
  expect(message.usage.cache_read_input_tokens).toBe(2200);
});

it.each(['claude-opus-5-5[1m]', 'claude-sonnet-5-5'])(
  'C 6 a model keeps the name in the request, by which clients know its context window: %s',
  async (model) => {
    const { message } = await server.answer(`called ${model}`, (run) => run.answer('hi'), { model });
    expect(message.model).toBe(model);
  },
);

describe('POST /v1/messages/count_tokens', () => {
  const FOO = { model: 'claude-opus-5-5', messages: [{ role: 'user', content: 'foo' }] };
  const count = async (url: string, body: object): Promise<number> => {
    const response = await supertest(url).post('/v1/messages/count_tokens').send(body).expect(200);
    return (response.body as { readonly input_tokens: number }).input_tokens;
  };

  it('C 7 count_tokens is answered without an agent', async () => {
    const runs = server.harness.runs.length;
    expect(await count(server.url, FOO)).toBeGreaterThan(0);
    expect(server.harness.runs).toHaveLength(runs);
  });

  it('C 8 count_tokens counts the system prompt and the tools', async () => {
    const plain = await count(server.url, FOO);
    const tools = (times: number) => ({
      tools: [{ name: 'look', description: 'looks '.repeat(times), input_schema: { type: 'object' } }],
    });
    const short = await count(server.url, { ...FOO, ...tools(1) });
    expect(short).toBeGreaterThan(plain);
    expect(await count(server.url, { ...FOO, ...tools(200) })).toBeGreaterThan(short + 100);
    expect(await count(server.url, { ...FOO, system: 'be kind '.repeat(100) })).toBeGreaterThan(plain + 100);
  });

  const full = new ConformanceServer({ maxConcurrentTurns: 1, maxWaitingTurns: 0 });

  it('C 9 a burst of counts is answered, even by a server whose queue is full', async () => {
    const { stream, run } = await full.held('the only one');
    const counts = await Promise.all(Array.from({ length: 50 }, () => count(full.url, FOO)));
    expect(new Set(counts).size).toBe(1);
    expect(await full.app.count('turns')).toBe(1);
    run.end();
    await stream.done();
  });
});
