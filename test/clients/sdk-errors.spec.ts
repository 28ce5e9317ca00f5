import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type RunningServer } from '../support/running-server.js';
import { newFolder, removeFolders } from './support/folders.js';
import { asking, failureOf, loadSdk, recordingFetch, said, type Sdk, SDKS, told } from './support/sdk.js';
import { turnsOf } from './support/turns.js';

const KEY = 'a-key-of-the-tests-that-is-long-enough';

// Concurrent, as the SDKs wait as long as a `retry-after` says.
describe.concurrent.each(SDKS)('The errors of @anthropic-ai/sdk $version', ({ packageName }) => {
  let sdk: Sdk;
  let server: RunningServer;

  beforeAll(async () => {
    sdk = await loadSdk(packageName);
    server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo', CHIRON_API_KEYS: `tests:${KEY}` });
  });
  afterAll(async () => {
    await server.stop();
    await removeFolders();
  });

  const newClient = (options: Partial<ConstructorParameters<Sdk['Anthropic']>[0]> = {}) =>
    new sdk.Anthropic({ baseURL: server.url, apiKey: KEY, maxRetries: 0, ...options });

  it('are AuthenticationError for a wrong key, at once', async () => {
    const { requests, fetch } = recordingFetch();
    const client = newClient({ apiKey: 'wrong', maxRetries: 2, fetch });
    const error = await failureOf(client.messages.create(asking('Hello')));
    expect(error).toBeInstanceOf(sdk.AuthenticationError);
    expect(told(error)).toMatchObject({ status: 401, type: 'authentication_error' });
    expect(requests).toHaveLength(1);
  });

  it('are BadRequestError for a conversation without a prompt, at once', async () => {
    const { requests, fetch } = recordingFetch();
    const client = newClient({ maxRetries: 2, fetch });
    const error = await failureOf(client.messages.create({ ...asking(''), messages: [] }));
    expect(error).toBeInstanceOf(sdk.BadRequestError);
    expect(told(error)).toMatchObject({ status: 400, type: 'invalid_request_error' });
    expect(requests).toHaveLength(1);
  });

  it('are NotFoundError for unknown routes', async () => {
    const error = await failureOf(newClient().post('/v1/no-such-thing', { body: {} }));
    expect(error).toBeInstanceOf(sdk.NotFoundError);
    expect(told(error)).toMatchObject({ status: 404, type: 'not_found_error' });
  });

  it('have the id of their request, in the header and in the body', async () => {
    const { requestId, bodyRequestId } = told(await failureOf(newClient().models.retrieve('no-such-model')));
    expect(requestId).toMatch(/^req_/);
    expect(bodyRequestId).toBe(requestId);
  });

  it.each([
    ['overloaded', 529, 'overloaded_error', 2],
    ['rate_limit', 429, 'rate_limit_error', 2],
    ['internal', 500, 'api_error', 2],
    ['bad_request', 400, 'invalid_request_error', 1],
    ['authentication', 500, 'api_error', 1],
    ['billing', 500, 'api_error', 1],
    ['permission', 500, 'api_error', 1],
  ])('report an agent that fails with %s', async (kind, status, type, attempts) => {
    const failing = async (stream: boolean) => {
      const { requests, fetch } = recordingFetch();
      const client = newClient({ maxRetries: 1, fetch });
      const error = await failureOf(client.messages.create({ ...asking(`/fail ${kind}`), stream }));
      expect(error).toBeInstanceOf(sdk.APIError);
      expect(told(error)).toMatchObject({ status, type });
      expect(requests).toHaveLength(attempts);
    };
    await Promise.all([failing(false), failing(true)]);
  });

  it('are APIError for a stream that the server ends early', async ({ onTestFinished }) => {
    const stopping = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo', CHIRON_DRAIN_SECONDS: '0' });
    onTestFinished(async () => void (await stopping.kill()));
    const stream = newClient({ baseURL: stopping.url }).messages.stream(asking('/stream 100000 10'));
    await new Promise<void>((resolve) => stream.on('text', () => resolve()));
    const [error] = await Promise.all([failureOf(stream.finalMessage()), stopping.stop()]);
    expect(error).toBeInstanceOf(sdk.APIError);
    expect(told(error)).toMatchObject({ type: 'overloaded_error', requestId: expect.stringMatching(/^req_/) });
  });

  it('are retried after a 529, when its retry-after has passed', async ({ onTestFinished }) => {
    const full = await startServer({
      CHIRON_DEFAULT_HARNESS: 'demo',
      CHIRON_MAX_CONCURRENT_TURNS: '1',
      CHIRON_MAX_WAITING_TURNS: '0',
    });
    onTestFinished(async () => void (await full.kill()));
    const running = newClient({ baseURL: full.url }).messages.stream(asking('/stream 100000 10'));
    const id = await new Promise<string>((resolve) => running.on('streamEvent', (_, message) => resolve(message.id)));
    const answers: { readonly status: number; readonly retryAfter: string | null }[] = [];
    const fetchAndFree = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
      const response = await fetch(input, init);
      answers.push({ status: response.status, retryAfter: response.headers.get('retry-after') });
      if (response.status === 529) await fetch(`${full.url}/v1/messages/${id}/cancel`, { method: 'POST' });
      return response;
    };
    const client = newClient({ baseURL: full.url, maxRetries: 1, fetch: fetchAndFree });
    const message = await client.messages.create(asking('At last'));
    expect(said(message)).toContain('You said: At last');
    expect(answers).toEqual([
      { status: 529, retryAfter: '10' },
      { status: 200, retryAfter: null },
    ]);
    await running.finalMessage();
  });

  it('are retried while the server restarts, and the turn resumes', async ({ expect, onTestFinished }) => {
    const environment = { CHIRON_DEFAULT_HARNESS: 'demo', CHIRON_DATA_DIR: await newFolder('data') };
    const first = await startServer(environment);
    onTestFinished(async () => void (await first.kill()));
    const { requests, fetch } = recordingFetch();
    const client = newClient({ baseURL: first.url, maxRetries: 10, fetch });
    const answer = client.messages.create(asking('/sleep 2'), { headers: { 'x-chiron-thread-key': 'api:again' } });
    await expect.poll(() => turnsOf(first, 'api:again'), { timeout: 10_000 }).toMatchObject([{ status: 'running' }]);
    await first.kill();
    const second = await startServer({ ...environment, PORT: new URL(first.url).port });
    onTestFinished(async () => void (await second.kill()));
    const message = await answer;
    expect(said(message)).toBe('Slept for 2 s.');
    expect(requests.length).toBeGreaterThan(1);
    expect(await turnsOf(second, 'api:again')).toMatchObject([{ message_id: message.id }]);
  });
});
