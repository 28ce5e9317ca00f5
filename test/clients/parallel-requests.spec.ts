import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type RunningServer } from '../support/running-server.js';
import { isRecord, recordsOf } from './support/json.js';
import { asking, loadSdk, recordingFetch, type Sdk, SDKS } from './support/sdk.js';

describe.each(SDKS)('Concurrent identical requests of @anthropic-ai/sdk $version', ({ packageName }) => {
  let sdk: Sdk;
  let server: RunningServer;

  beforeAll(async () => {
    sdk = await loadSdk(packageName);
    server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo' });
  });
  afterAll(async () => {
    await server.stop();
  });

  const newClient = (options: Partial<ConstructorParameters<Sdk['Anthropic']>[0]> = {}) =>
    new sdk.Anthropic({ baseURL: server.url, apiKey: 'any', ...options });

  /** How many threads there are; each of these requests gets one of its own. */
  async function threads(): Promise<number> {
    const body: unknown = await (await fetch(`${server.url}/api/sessions?limit=100`)).json();
    return isRecord(body) ? recordsOf(body['sessions']).length : 0;
  }

  it('start a turn each, streamed and unstreamed', async () => {
    const before = await threads();
    const { messages } = newClient();
    const whole = await Promise.all(Array.from({ length: 10 }, () => messages.create(asking('/sleep 1'))));
    const streamed = await Promise.all(
      Array.from({ length: 10 }, () => messages.stream(asking('/sleep 1')).finalMessage()),
    );
    expect(new Set([...whole, ...streamed].map(({ id }) => id)).size).toBe(20);
    expect(await threads()).toBe(before + 20);
  });

  it('attach to their own turns when they are retried after broken connections', async () => {
    const before = await threads();
    const { requests, fetch } = recordingFetch();
    // The first attempt of each breaks while its turn runs.
    const breaking = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
      const isRetry = new Headers(init?.headers).get('x-stainless-retry-count') !== '0';
      if (isRetry) return fetch(input, init);
      return fetch(input, { ...init, signal: AbortSignal.timeout(700) });
    };
    const { messages } = newClient({ fetch: breaking, maxRetries: 3 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => messages.create(asking('/sleep 3'))));
    expect(requests).toHaveLength(10);
    expect(new Set(answers.map(({ id }) => id)).size).toBe(5);
    expect(await threads()).toBe(before + 5);
  });
});
