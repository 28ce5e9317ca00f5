// Over 250 lines: keeps every error response in one place.
import { connect } from 'node:net';
import supertest from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { readConfig } from '../../src/config/app-config.js';
import type { FailureKind } from '../../src/domain/harness-event.js';
import { TurnStore } from '../../src/storage/stores/turn.store.js';
import { skipAhead } from '../support/clock.js';
import { eventually } from '../support/eventually.js';
import { ask, thread } from '../support/requests.js';
import { parseEvents } from '../support/sse-client.js';
import { checkGrammar } from '../support/stream-grammar.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { CLAUDE_CODE, ConformanceServer, expectError } from './support/server.js';

/** What the retry headers tell a client. */
type Retry = 'never' | 'later' | 'as it likes';

function expectRetry(headers: unknown, retry: Retry): void {
  const { 'x-should-retry': should, 'retry-after': after } = headers as Readonly<Record<string, string>>;
  expect(should).toBe(retry === 'never' ? 'false' : undefined);
  if (retry === 'later') expect(Number(after)).toBeGreaterThan(0);
  else expect(after).toBeUndefined();
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('an agent that fails', () => {
  const server = new ConformanceServer();
  /** Callers must not see the provider's text about the account of the server's agent. */
  const said = (kind: FailureKind) =>
    /^(authentication|billing|permission)$/.test(kind) ? /administrator\.$/ : /no luck$/;

  const failures: readonly (readonly [FailureKind, number, string, Retry])[] = [
    ['bad_request', 400, 'invalid_request_error', 'never'],
    ['context_too_long', 400, 'invalid_request_error', 'never'],
    ['authentication', 500, 'api_error', 'never'],
    ['billing', 500, 'api_error', 'never'],
    ['permission', 500, 'api_error', 'never'],
    ['not_started', 500, 'api_error', 'never'],
    ['limit_exceeded', 500, 'api_error', 'never'],
    ['not_found', 404, 'not_found_error', 'never'],
    ['rate_limit', 429, 'rate_limit_error', 'later'],
    ['internal', 500, 'api_error', 'as it likes'],
    ['process_died', 500, 'api_error', 'as it likes'],
    ['timeout', 504, 'timeout_error', 'as it likes'],
    ['overloaded', 529, 'overloaded_error', 'later'],
  ];

  it.each(failures)('A.7 with %s before any output is HTTP %i %s (retry: %s %s)', async (kind, status, type, retry) => {
    const prompt = `at first ${kind}`;
    server.plays(prompt, (run) => run.fail(kind, 'no luck'));
    const whole = await server.post(ask(prompt));
    const stream = await server.open(ask(prompt, { stream: true })).done();
    for (const response of [whole, stream]) {
      expectError(response, status, type, said(kind));
      expectRetry(response.headers, retry);
      expect(response.headers['content-type']).toMatch(/^application\/json/);
    }
  });

  it.each(failures)(
    'A.7 with %s after some output is an error event of the same type',
    async (kind, status, type, retry) => {
      const prompt = `later ${kind}`;
      server.plays(prompt, (run) => {
        if (run.turn.attempt === 1) run.text('half');
        run.fail(kind, 'no luck');
      });
      const stream = await server.open(ask(prompt, { stream: true })).done();
      expect(stream.status).toBe(200);
      expect(checkGrammar(stream.events)).toEqual([]);
      expect(parseEvents(stream.text).at(-1)?.data).toEqual({
        type: 'error',
        error: expect.objectContaining({ type, message: expect.stringMatching(said(kind)) as string }) as object,
        request_id: stream.headers['request-id'],
      });
      // A caller that does not stream has received nothing yet.
      const whole = await server.post(ask(prompt));
      expectError(whole, status, type, said(kind));
      expectRetry(whole.headers, retry);
    },
  );

  it.each(['the context is full', 'Prompt is too long', 'prompt is too long: 250000 tokens > 200000 maximum'])(
    'A.7 because the context is too long has the text that makes Claude Code compact: %s',
    async (message) => {
      server.plays(message, (run) => run.fail('context_too_long', message));
      expectError(await server.post(ask(message)), 400, 'invalid_request_error', /^prompt is too long/);
    },
  );

  it('A.7 has the agent’s own message, without text of the server', async () => {
    const message = 'capability_rejected: beta_header:some-beta-2026-01-01';
    server.plays('rejected', (run) => run.fail('bad_request', message));
    const response = await server.post(ask('rejected'));
    expect(response.body).toMatchObject({ error: { message } });
  });
});

describe('a request that is rejected before its turn starts', () => {
  const server = new ConformanceServer({ unknownModels: 'refuse', onBusy: 'reject', syncTimeoutMs: 100 });

  const told = async (response: supertest.Response, status: number, type: string, retry: Retry): Promise<void> => {
    expectError(response, status, type);
    expectRetry(response.headers, retry);
  };

  it.each([
    ['invalid JSON', '{', 400, 'invalid_request_error'],
    ['no messages', { model: 'm', max_tokens: 1 }, 400, 'invalid_request_error'],
    ['no prompt', ask(''), 400, 'invalid_request_error'],
    ['an unknown model, in a strict deployment', ask('hi', { model: 'gpt-unknown' }), 404, 'not_found_error'],
    ['a model of an agent that is not available', ask('hi', { model: 'codex/gpt-9' }), 404, 'not_found_error'],
    ['a body over 32 MB', `"${'x'.repeat(32 * 1024 * 1024)}"`, 413, 'request_too_large'],
  ] as const)('A.7 for %s is told so, and that it need not come again', async (_, body, status, type) => {
    await told(await server.post(body), status, type, 'never');
    expect(server.harness.runs).toEqual([]);
  });

  it('A.7 for its encoding, method or path gets the matching status, and is not retryable', async () => {
    await told(await server.post('x', { 'content-encoding': 'lzma' }), 415, 'invalid_request_error', 'never');
    await told(await supertest(server.url).get('/v1/messages'), 405, 'invalid_request_error', 'never');
    await told(await supertest(server.url).post('/v1/complete').send({}), 404, 'not_found_error', 'never');
    await told(await supertest(server.url).post('/v1/messages/msg_none/cancel'), 404, 'not_found_error', 'never');
    await told(await supertest(server.url).get('/v1/models/nobody'), 404, 'not_found_error', 'never');
    await told(await supertest(server.url).get('/v1/models/%E0%A4%A'), 400, 'invalid_request_error', 'never');
  });

  it('A.7 because a web page sent it is a permission_error', async () => {
    const response = await server.post(ask('hi'), { origin: 'https://example.com' });
    await told(response, 403, 'permission_error', 'never');
  });

  it('A.7 for a busy thread is a conflict_error with a retry time', async () => {
    const { stream, run } = await server.held('busy');
    await told(await server.post(ask('another'), thread('busy')), 409, 'conflict_error', 'later');
    run.end();
    await stream.done();
  });

  it('A.7 for a client with a fixed timeout is a retryable timeout_error', async () => {
    server.waits('slow');
    await told(await server.post(ask('slow'), { ...CLAUDE_CODE, ...thread('slow') }), 504, 'timeout_error', 'later');
    (await server.harness.run('slow')).end();
  });
});

describe('a request without a valid key', () => {
  const { apiKeys } = readConfig({ CHIRON_API_KEYS: 'team:the-key-that-is-long-enough' });
  const server = new ConformanceServer({ apiKeys });

  it.each([{}, { 'x-api-key': 'wrong' }, { authorization: 'Bearer wrong' }])(
    'A.7 %j is an authentication_error that is not retryable',
    async (headers) => {
      const response = await server.post(ask('hi'), headers);
      expectError(response, 401, 'authentication_error', /^invalid x-api-key$/);
      expectRetry(response.headers, 'never');
    },
  );
});

describe('a server with a full queue', () => {
  const server = new ConformanceServer({ maxConcurrentTurns: 1, maxWaitingTurns: 0 });

  it('A.7 answers overloaded_error with a retry time, and stores nothing of the request', async () => {
    const { stream, run } = await server.held('the only one');
    const refused = await server.post(ask('one too many'));
    expectError(refused, 529, 'overloaded_error');
    expectRetry(refused.headers, 'later');
    expect(await server.app.count('turns')).toBe(1);
    run.end();
    await stream.done();
  });
});

describe('a server that is stopping', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp({ drainMs: 3_600_000 });
  });

  it('A.7 rejects new requests with 503 and retry-after, and lets running turns finish', async () => {
    const running = supertest(app.url)
      .post('/v1/messages')
      .send(ask('running'))
      .then((response) => response);
    const run = await app.harness.run('running');
    const closed = app.close();
    await eventually(async () => (await supertest(app.url).get('/readyz')).status).toBe(503);
    const refused = await supertest(app.url).post('/v1/messages').send(ask('new'));
    expectError(refused, 503, 'api_error');
    expectRetry(refused.headers, 'later');
    run.answer('in time');
    expect((await running).status).toBe(200);
    await closed;
  });
});

describe('the request-id', () => {
  const server = new ConformanceServer();

  it.each([
    ['get', '/', 200],
    ['head', '/api/hello', 200],
    ['get', '/healthz', 200],
    ['get', '/openapi.json', 200],
    ['get', '/docs', 200],
    ['get', '/v1/models', 200],
    ['post', '/v1/messages/count_tokens', 400],
    ['post', '/v1/nothing', 404],
    ['get', '/%ff', 400],
  ] as const)('A.7 is on every response: %s %s', async (method, path, status) => {
    const response = await supertest(server.url)[method](path).expect(status);
    expect(response.headers['request-id']).toMatch(/^req_[0-9a-f]{24}$/);
    if (status >= 400) expect(response.body).toMatchObject({ request_id: response.headers['request-id'] });
  });

  it('A.7 is on answers, streamed and unstreamed, and on probes', async () => {
    const responses = [
      await server.post(ask('whole')),
      await server.post(ask('streamed', { stream: true })),
      await server.post(ask('probe', { max_tokens: 1 })),
      await server.post(ask('probe', { max_tokens: 1, stream: true })),
    ];
    const ids = responses.map(({ headers }) => String(headers['request-id']));
    for (const id of ids) expect(id).toMatch(/^req_/);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each([
    ['bytes that are not HTTP', 'EHLO example.com\r\n\r\n', 400],
    ['headers that are too large', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`, 431],
    ['two content-length headers', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 400],
  ])('A.7 is in the error envelope of the answer to %s', async (_, bytes, status) => {
    const answer = await raw(server.url, bytes);
    expect(answer).toContain(`HTTP/1.1 ${status} `);
    const id = /^request-id: (req_\w+)\r$/m.exec(answer)?.[1];
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({
      type: 'error',
      error: { type: 'invalid_request_error' },
      request_id: id,
    });
  });
});

describe('an unexpected failure', () => {
  const server = new ConformanceServer();

  afterAll(() => {
    vi.restoreAllMocks();
  });

  it('A.7 is an api_error without internal details', async () => {
    const insides = new Error('secret of the insides');
    vi.spyOn(server.app.app.get(TurnStore), 'create').mockRejectedValueOnce(insides);
    expectError(await server.post(ask('breaks')), 500, 'api_error', /^Internal server error$/);
    server.plays('does not start', () => {
      throw insides;
    });
    const response = await server.post(ask('does not start'));
    expectError(response, 500, 'api_error');
    expect(response.text).not.toContain('secret');
  });

  it('A.7 after the headers of a slow answer closes the connection, because the status is already sent', async () => {
    server.waits('slow failure');
    const caller = server.open(ask('slow failure'));
    const run = await server.harness.run('slow failure');
    skipAhead(31_000);
    await eventually(() => caller.text).toBe(' ');
    run.fail('overloaded');
    await eventually(() => caller.closed).toBe(true);
    expect(caller.ended).toBe(false);
  });
});

/** Sends bytes on a new connection, and reads until the server closes it. */
function raw(url: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    let answer = '';
    connect(Number(port), hostname)
      .on('data', (chunk) => (answer += chunk.toString('latin1')))
      .on('close', () => resolve(answer))
      .on('error', reject)
      .write(bytes);
  });
}
