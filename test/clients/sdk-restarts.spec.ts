import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer } from '../support/running-server.js';
import { newFolder, removeFolders } from './support/folders.js';
import { asking, failureOf, loadSdk, recordingFetch, said, type Sdk, SDKS, told } from './support/sdk.js';
import { turnsOf } from './support/turns.js';

// Concurrent, as the SDKs wait as long as a `retry-after` says.
describe.each(SDKS)('The requests of @anthropic-ai/sdk $version', ({ packageName }) => {
  let sdk: Sdk;

  beforeAll(async () => {
    sdk = await loadSdk(packageName);
  });
  afterAll(() => removeFolders());

  const newClient = (options: Partial<ConstructorParameters<Sdk['Anthropic']>[0]>) =>
    new sdk.Anthropic({ apiKey: 'any', maxRetries: 0, ...options });

  it.concurrent('fail with APIError for a stream that the server ends early', async ({ onTestFinished }) => {
    const stopping = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo', CHIRON_DRAIN_SECONDS: '0' });
    onTestFinished(async () => void (await stopping.kill()));
    const stream = newClient({ baseURL: stopping.url }).messages.stream(asking('/stream 100000 10'));
    await new Promise<void>((resolve) => stream.on('text', () => resolve()));
    const [error] = await Promise.all([failureOf(stream.finalMessage()), stopping.stop()]);
    expect(error).toBeInstanceOf(sdk.APIError);
    expect(told(error)).toMatchObject({ type: 'overloaded_error', requestId: expect.stringMatching(/^req_/) });
  });

  it.concurrent('are retried after a 529, when its retry-after has passed', async ({ onTestFinished }) => {
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

  it.concurrent('are retried while the server restarts, and the turn resumes', async ({ expect, onTestFinished }) => {
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
