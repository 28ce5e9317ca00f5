import { type AnthropicProvider, createAnthropic } from '@ai-sdk/anthropic';
import { APICallError, generateText, isStepCount, RetryError, streamText, tool } from 'ai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startServer, type RunningServer } from '../support/running-server.js';
import { all } from './support/all.js';
import { PDF, PIXEL } from './support/samples.js';
import { failureOf, MODEL, recordingFetch } from './support/sdk.js';
import { turnsOf } from './support/turns.js';

const KEY = 'a-key-of-the-tests-that-is-long-enough';

describe('@ai-sdk/anthropic', () => {
  let server: RunningServer;
  let anthropic: AnthropicProvider;

  beforeAll(async () => {
    server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo', CHIRON_API_KEYS: `tests:${KEY}` });
    anthropic = createAnthropic({ baseURL: `${server.url}/v1`, apiKey: KEY });
  });
  afterAll(async () => {
    await server.stop();
  });

  const onThread = (key: string) => ({ headers: { 'x-chiron-thread-key': key } });

  it('generates a text, with its usage', async () => {
    const result = await generateText({ model: anthropic(MODEL), prompt: 'Hello there' });
    expect(result.text).toContain('You said: Hello there');
    expect(result).toMatchObject({
      finishReason: 'stop',
      warnings: [],
      usage: { inputTokens: 3, outputTokens: 1 },
      response: { id: expect.stringMatching(/^msg_/), modelId: 'demo' },
      providerMetadata: { anthropic: { iterations: [{ type: 'message', inputTokens: 3, outputTokens: 1 }] } },
    });
  });

  it('streams a text', async () => {
    const result = streamText({ model: anthropic(MODEL), prompt: '/stream 5 5' });
    const deltas = await all(result.textStream);
    expect(deltas.join('')).toBe('word0 word1 word2 word3 word4 ');
    expect(deltas.length).toBeGreaterThan(1);
    expect(await result.finishReason).toBe('stop');
  });

  it('shows thinking as reasoning', async () => {
    const { reasoningText, text } = await generateText({ model: anthropic(MODEL), prompt: 'Please think.' });
    expect(reasoningText).toContain('I thought');
    expect(text).toContain('You said: Please think.');
  });

  it('shows an inner tool as one that the provider ran, with its output', async () => {
    const result = await generateText({ model: anthropic(MODEL), prompt: '!echo from the inside' });
    expect(result.text).toBe('The command worked.');
    expect(result.content).toMatchObject([
      { type: 'tool-call', toolName: 'shell', input: { command: 'echo from the inside' }, providerExecuted: true },
      { type: 'tool-result', toolName: 'shell', output: [{ type: 'text', text: 'from the inside' }] },
      { type: 'text', text: 'The command worked.' },
    ]);
  });

  it('streams a failed inner tool as a failed tool, not as a failed stream', async () => {
    const parts = await all(streamText({ model: anthropic(MODEL), prompt: '!echo oh no; exit 3' }).fullStream);
    expect(parts.filter(({ type }) => /^(?:tool-|error|text-delta)/.test(type))).toMatchObject([
      { type: 'tool-call', toolName: 'shell', providerExecuted: true },
      { type: 'tool-error', toolName: 'shell', error: [{ type: 'text', text: 'oh no' }] },
      { type: 'text-delta', text: 'The command failed with exit status 3.' },
    ]);
  });

  it('does not run its own tool with the name of an inner tool, and stops after one step', async () => {
    let runs = 0;
    const shell = tool({
      inputSchema: z.object({ command: z.string() }),
      execute: () => {
        runs += 1;
        return 'run by the caller';
      },
    });
    const prompt = '!echo mine or yours';
    const result = await generateText({ model: anthropic(MODEL), prompt, tools: { shell }, stopWhen: isStepCount(5) });
    expect(result.text).toBe('The command worked.');
    expect(result.steps).toHaveLength(1);
    expect(runs).toBe(0);
  });

  it('continues a conversation that has inner tools', async () => {
    const thread = onThread('api:ai-sdk');
    const first = await generateText({ model: anthropic(MODEL), prompt: '!echo the first turn', ...thread });
    const messages = [
      { role: 'user' as const, content: '!echo the first turn' },
      ...first.response.messages,
      { role: 'user' as const, content: 'And the second?' },
    ];
    const { text } = await generateText({ model: anthropic(MODEL), messages, ...thread });
    expect(text).toContain('This is turn 2 of this thread. You said: And the second?');
  });

  it('can send images, PDFs and a system prompt', async () => {
    const { text } = await generateText({
      model: anthropic(MODEL),
      system: 'Be brief.',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'file', data: Buffer.from(PIXEL, 'base64'), mediaType: 'image/png' },
            { type: 'file', data: Buffer.from(PDF, 'base64'), mediaType: 'application/pdf' },
            { type: 'text', text: 'What are these?' },
          ],
        },
      ],
    });
    expect(text).toContain('You said: What are these?');
  });

  it('leaves the turn running when it is aborted, and attaches to it with the same request', async () => {
    const thread = onThread('api:ai-sdk-aborted');
    const controller = new AbortController();
    const model = anthropic(MODEL);
    const left = streamText({ model, prompt: '/stream 40 25', ...thread, abortSignal: controller.signal });
    for await (const _ of left.textStream) controller.abort();
    const { text, response } = await generateText({ model, prompt: '/stream 40 25', ...thread });
    expect(text).toContain('word39');
    expect(await turnsOf(server, 'api:ai-sdk-aborted', KEY)).toMatchObject([{ message_id: response.id }]);
  });

  it('throws the errors of the agent, and retries the transient ones', async () => {
    const { requests, fetch } = recordingFetch();
    const model = createAnthropic({ baseURL: `${server.url}/v1`, apiKey: KEY, fetch })(MODEL);
    const refused = await failureOf(generateText({ model, prompt: '/fail bad_request' }));
    expect(refused).toBeInstanceOf(APICallError);
    expect(refused).toMatchObject({ statusCode: 400, message: 'The demo agent failed as asked (bad_request).' });
    expect(requests).toHaveLength(1);
    const overloaded = await failureOf(generateText({ model, prompt: '/fail overloaded', maxRetries: 1 }));
    expect(overloaded).toBeInstanceOf(RetryError);
    expect(overloaded).toMatchObject({ lastError: { statusCode: 529 } });
    expect(requests).toHaveLength(3);
  });

  it('gets a 404 at an address without /v1', async () => {
    const model = createAnthropic({ baseURL: server.url, apiKey: KEY })(MODEL);
    expect(await failureOf(generateText({ model, prompt: 'Hello' }))).toMatchObject({ statusCode: 404 });
  });
});
