import type { ContentBlockParam } from 'sdk-1/resources/messages';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type RunningServer } from '../support/running-server.js';
import { PDF, PIXEL } from './support/samples.js';
import { asking, failureOf, loadSdk, MODEL, recordingFetch, said, type Sdk, SDKS, told } from './support/sdk.js';
import { turnsOf } from './support/turns.js';

let server: RunningServer;

// One for all of them: a server that starts keeps the others' calls waiting on a small machine, and some of these have a time limit.
beforeAll(async () => {
  const routes = ['claude-agent-a', 'claude-agent-b', 'claude-agent-c', 'team/fast'].map((name) => `${name}=demo`);
  server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo', CHIRON_MODEL_ROUTES: routes.join(',') });
});
afterAll(async () => {
  await server.stop();
});

// Concurrent, as some wait for their time to be up.
describe.each(SDKS)('The other calls of @anthropic-ai/sdk $version', ({ packageName }) => {
  let sdk: Sdk;

  beforeAll(async () => {
    sdk = await loadSdk(packageName);
  });

  const newClient = (options: Partial<ConstructorParameters<Sdk['Anthropic']>[0]> = {}) =>
    new sdk.Anthropic({ baseURL: server.url, apiKey: 'any', maxRetries: 0, ...options });

  it.concurrent('count the tokens of a request, with its system prompt and its tools', async () => {
    const { messages } = newClient();
    const plain = { model: MODEL, messages: asking('How many tokens is this?').messages };
    const { input_tokens: few } = await messages.countTokens(plain);
    const { input_tokens: more } = await messages.countTokens({
      ...plain,
      system: 'You are a careful agent that counts tokens before it spends them.',
      tools: [{ name: 'get_weather', description: 'The weather of a place', input_schema: { type: 'object' } }],
    });
    expect(few).toBeGreaterThan(4);
    expect(few).toBeLessThan(40);
    expect(more).toBeGreaterThan(few + 20);
  });

  it.concurrent('count images and documents', async () => {
    const count = async (...content: readonly ContentBlockParam[]) => {
      const messages = [{ role: 'user' as const, content: [...content] }];
      return (await newClient().messages.countTokens({ model: MODEL, messages })).input_tokens;
    };
    const text = { type: 'text' as const, text: 'What is this?' };
    const words = await count(text);
    const image = { type: 'base64' as const, media_type: 'image/png' as const, data: PIXEL };
    const pdf = { type: 'base64' as const, media_type: 'application/pdf' as const, data: PDF };
    expect(await count(text, { type: 'image', source: image })).toBeGreaterThan(words + 100);
    expect(await count(text, { type: 'document', source: pdf })).toBeGreaterThan(words + 100);
  });

  it.concurrent('list the models, page after page, each once', async () => {
    const ids: string[] = [];
    const { requests, fetch } = recordingFetch();
    for await (const model of newClient({ fetch }).models.list({ limit: 2 })) ids.push(model.id);
    expect(ids.slice(0, 4)).toEqual(['claude-agent-a', 'claude-agent-b', 'claude-agent-c', 'team/fast']);
    expect(ids).toContain('demo');
    expect(new Set(ids).size).toBe(ids.length);
    expect(requests).toHaveLength(Math.ceil(ids.length / 2));
  });

  it.concurrent('retrieve a model by its id, and throw NotFoundError for an unknown one', async () => {
    const { models } = newClient();
    expect(await models.retrieve('team/fast')).toMatchObject({ type: 'model', id: 'team/fast' });
    const error = await failureOf(models.retrieve('claude-nobody'));
    expect(error).toBeInstanceOf(sdk.NotFoundError);
    expect(told(error)).toMatchObject({ status: 404, type: 'not_found_error', message: 'model: claude-nobody' });
  });

  it.concurrent('can use the beta routes of the models', async () => {
    const { models } = newClient().beta;
    expect(await models.retrieve('demo')).toMatchObject({ id: 'demo', display_name: 'Demo agent' });
  });

  it.concurrent('get the answer of one turn after repeated timeouts', async () => {
    const key = `api:slow-${packageName}`;
    const { requests, fetch } = recordingFetch();
    const client = newClient({ timeout: 1000, maxRetries: 8, fetch });
    const message = await client.messages.create(asking('/sleep 3'), { headers: { 'x-chiron-thread-key': key } });
    expect(said(message)).toBe('Slept for 3 s.');
    expect(requests.length).toBeGreaterThan(1);
    expect(await turnsOf(server, key)).toMatchObject([{ message_id: message.id }]);
  });

  it.concurrent('throw APIConnectionTimeoutError on a timeout, and leave the turn running', async () => {
    const key = `api:timeout-${packageName}`;
    const onThread = { headers: { 'x-chiron-thread-key': key } };
    const error = await failureOf(newClient({ timeout: 1000 }).messages.create(asking('/sleep 3'), onThread));
    expect(error).toBeInstanceOf(sdk.APIConnectionTimeoutError);
    expect(await turnsOf(server, key)).toMatchObject([{ status: 'running' }]);
    const message = await newClient().messages.create(asking('/sleep 3'), onThread);
    expect(await turnsOf(server, key)).toMatchObject([{ message_id: message.id }]);
  });

  it.concurrent(
    'leave the turn running when they are aborted, and attach to it with the same request',
    async ({ expect }) => {
      const key = `api:aborted-${packageName}`;
      const controller = new AbortController();
      const onThread = { headers: { 'x-chiron-thread-key': key } };
      const answer = failureOf(
        newClient().messages.create(asking('/sleep 3'), { ...onThread, signal: controller.signal }),
      );
      await expect.poll(() => turnsOf(server, key)).toMatchObject([{ status: 'running' }]);
      controller.abort();
      expect(await answer).toBeInstanceOf(sdk.APIUserAbortError);
      const message = await newClient().messages.create(asking('/sleep 3'), onThread);
      expect(said(message)).toBe('Slept for 3 s.');
      expect(await turnsOf(server, key)).toMatchObject([{ message_id: message.id }]);
    },
  );

  it.concurrent(
    'must stream for a `max_tokens` of more than 21,333: the SDK itself rejects other requests',
    async () => {
      const { requests, fetch } = recordingFetch();
      const { messages } = newClient({ fetch });
      // It throws before there is a promise.
      expect(() => messages.create({ ...asking('Hello'), max_tokens: 21_334 })).toThrow(
        /Streaming is (?:required|strongly)/,
      );
      expect(requests).toHaveLength(0);
      await messages.create({ ...asking('Hello'), max_tokens: 21_333 });
      const message = await messages.stream({ ...asking('Hello'), max_tokens: 128_000 }).finalMessage();
      expect(said(message)).toContain('You said: Hello');
    },
  );
});
