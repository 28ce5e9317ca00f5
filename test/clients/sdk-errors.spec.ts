import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type RunningServer } from '../support/running-server.js';
import { removeFolders } from './support/folders.js';
import { asking, failureOf, loadSdk, recordingFetch, type Sdk, SDKS, told } from './support/sdk.js';

const KEY = 'a-key-of-the-tests-that-is-long-enough';

let server: RunningServer;

beforeAll(async () => {
  server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo', CHIRON_API_KEYS: `tests:${KEY}` });
  // A stream begins after a second, and then has no status to fail with: no test is to be the one that warms the server up.
  await fetch(`${server.url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
    body: JSON.stringify(asking('Hello')),
  });
});
afterAll(async () => {
  await server.stop();
  await removeFolders();
});

// Concurrent, as the SDKs wait as long as a `retry-after` says.
describe.each(SDKS)('The errors of @anthropic-ai/sdk $version', ({ packageName }) => {
  let sdk: Sdk;

  beforeAll(async () => {
    sdk = await loadSdk(packageName);
  });

  const newClient = (options: Partial<ConstructorParameters<Sdk['Anthropic']>[0]> = {}) =>
    new sdk.Anthropic({ baseURL: server.url, apiKey: KEY, maxRetries: 0, ...options });

  it.concurrent('are AuthenticationError for a wrong key, at once', async () => {
    const { requests, fetch } = recordingFetch();
    const client = newClient({ apiKey: 'wrong', maxRetries: 2, fetch });
    const error = await failureOf(client.messages.create(asking('Hello')));
    expect(error).toBeInstanceOf(sdk.AuthenticationError);
    expect(told(error)).toMatchObject({ status: 401, type: 'authentication_error' });
    expect(requests).toHaveLength(1);
  });

  it.concurrent('are BadRequestError for a conversation without a prompt, at once', async () => {
    const { requests, fetch } = recordingFetch();
    const client = newClient({ maxRetries: 2, fetch });
    const error = await failureOf(client.messages.create({ ...asking(''), messages: [] }));
    expect(error).toBeInstanceOf(sdk.BadRequestError);
    expect(told(error)).toMatchObject({ status: 400, type: 'invalid_request_error' });
    expect(requests).toHaveLength(1);
  });

  it.concurrent('are NotFoundError for unknown routes', async () => {
    const error = await failureOf(newClient().post('/v1/no-such-thing', { body: {} }));
    expect(error).toBeInstanceOf(sdk.NotFoundError);
    expect(told(error)).toMatchObject({ status: 404, type: 'not_found_error' });
  });

  it.concurrent('have the id of their request, in the header and in the body', async () => {
    const { requestId, bodyRequestId } = told(await failureOf(newClient().models.retrieve('no-such-model')));
    expect(requestId).toMatch(/^req_/);
    expect(bodyRequestId).toBe(requestId);
  });

  it.concurrent.each([
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
});
