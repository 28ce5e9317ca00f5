import supertest from 'supertest';
import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { Database } from '../../src/storage/database/database.js';
import { ask, converse } from '../support/requests.js';
import { ConformanceServer, expectError, idOf } from './support/server.js';

const server = new ConformanceServer();

const BETAS =
  'claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,per-turn-control-2026-07-01,' +
  'mid-conversation-tool-changes-2026-07-01,thinking-token-count-2026-05-13,advanced-tool-use-2025-11-20,effort-2025-11-24';
const MORE_BETAS =
  'redact-thinking-2026-02-12,structured-outputs-2025-12-15,dangerous-tool-use-2026-09-03,thinking-display-updates-2026-08-18,' +
  'afk-mode-2026-01-31,message-threads-2026-08-12,mid-conversation-system-clear-at-2026-08-21,of-2031-01-01';

/** The headers that Claude Code 2.1.330 sends with `-p`. */
const CLAUDE_CODE = (session: string) => ({
  accept: 'application/json',
  'content-type': 'application/json',
  'user-agent': 'claude-cli/2.1.330 (external, sdk-cli)',
  'x-claude-code-session-id': session,
  'x-stainless-arch': 'x64',
  'x-stainless-lang': 'js',
  'x-stainless-os': 'Linux',
  'x-stainless-package-version': '0.128.0',
  'x-stainless-retry-count': '0',
  'x-stainless-runtime': 'node',
  'x-stainless-runtime-version': 'v26.3.0',
  'x-stainless-timeout': '600',
  'anthropic-beta': BETAS,
  'anthropic-dangerous-direct-browser-access': 'true',
  'anthropic-version': '2023-06-01',
  authorization: 'Bearer anything',
  'x-app': 'cli',
  'accept-encoding': 'gzip, deflate, br, zstd',
});
const TOOLS = { tools: [{ name: 'Bash', input_schema: { type: 'object' } }] };

const keyOf = (response: { readonly headers: unknown }): string =>
  (response.headers as Readonly<Record<string, string>>)['x-chiron-thread-key'] ?? '';

it('A.2 the headers of Claude Code are accepted, and its session id names the thread', async () => {
  const first = await server.post(ask('session one', TOOLS), CLAUDE_CODE('8c1f')).expect(200);
  const second = await server
    .post(converse(['session one', 'fine', 'session two'], TOOLS), CLAUDE_CODE('8c1f'))
    .expect(200);
  expect([keyOf(first), keyOf(second)]).toEqual(['api:claude:8c1f', 'api:claude:8c1f']);
  expect(server.harness.runsOf('session two')[0]?.turn.turnIndex).toBe(1);
});

it('A.2 a caller that accepts compression gets an uncompressed stream, so that no event is delayed', async () => {
  const response = await fetch(`${server.url}/v1/messages`, {
    method: 'POST',
    headers: CLAUDE_CODE('packed'),
    body: JSON.stringify(ask('packed', { ...TOOLS, stream: true })),
  });
  expect(response.headers.get('content-encoding')).toBeNull();
  expect(await response.text()).toContain('event: message_stop');
});

it('A.2 requests of Claude Code’s sub-agents are not turns of the session', async () => {
  const sub = {
    ...CLAUDE_CODE('with-sub-agents'),
    'x-claude-code-agent-id': 'a1',
    'x-claude-code-parent-agent-id': 'a0',
  };
  const response = await server.post(ask('of a sub-agent', TOOLS), sub).expect(200);
  expect(keyOf(response)).toMatch(/^side:/);
  await server.post(ask('of the session', TOOLS), CLAUDE_CODE('with-sub-agents')).expect(200);
  expect(server.harness.runsOf('of the session')[0]?.turn.turnIndex).toBe(0);
});

it('A.2 a request with a history is a retry whatever its x-stainless-retry-count', async () => {
  const ask3 = (count: string) =>
    server.post(server.conversation('count me', TOOLS), {
      ...CLAUDE_CODE('retries'),
      'x-stainless-retry-count': count,
    });
  const ids = [idOf(await ask3('0')), idOf(await ask3('0')), idOf(await ask3('2'))];
  expect(new Set(ids).size).toBe(1);
  expect(server.harness.runsOf('count me')).toHaveLength(1);
});

it('A.2 metadata.user_id names the session when a proxy strips the headers', async () => {
  const user_id = JSON.stringify({ device_id: 'ab'.repeat(32), account_uuid: '', session_id: '9d2e' });
  const stripped = await server.post(ask('stripped', { metadata: { user_id } })).expect(200);
  expect(keyOf(stripped)).toBe('api:claude:9d2e');
  const plain = await server.post(ask('plain user id', { metadata: { user_id: 'somebody' } })).expect(200);
  expect(keyOf(plain)).toMatch(/^api:[0-9a-f-]{36}$/);
});

it('A.2 other headers of SDKs and applications are accepted', async () => {
  const extras = {
    'anthropic-user-profile-id': 'profile_1',
    'anthropic-workspace-id': 'wrkspc_1',
    'x-stainless-helper': 'BetaToolRunner, message-thread',
    'x-stainless-helper-method': 'stream',
    'x-claude-code-request-class': 'main',
    'x-claude-code-prompt-id': 'p1',
    tracestate: 'vendor=1',
    baggage: 'user=1',
  };
  await server.post(ask('extras'), extras).expect(200);
});

it('A.2 a traceparent is stored with the turn that it starts, and a malformed one is ignored', async () => {
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
  await server.post(ask('traced'), { traceparent: `00-${trace}-00f067aa0ba902b7-01` }).expect(200);
  await server.post(ask('not traced'), { traceparent: 'nonsense' }).expect(200);
  const { kysely } = server.app.app.get(Database);
  const [traced, other] = await Promise.all(
    ['traced', 'not traced'].map(async (prompt) => {
      const { turn } = await server.harness.run(prompt);
      return kysely.selectFrom('turns').select('request').where('id', '=', turn.id).executeTakeFirstOrThrow();
    }),
  );
  expect(JSON.stringify(traced)).toContain(trace);
  expect(JSON.stringify(other)).not.toContain('traceId');
});

/** A body over the limit, which compresses to some kilobytes. */
const BOMB = Buffer.from(JSON.stringify(ask('x'.repeat(33 * 1024 * 1024))));
const PACKERS = {
  gzip: (body: Buffer) => gzipSync(body, { level: 1 }),
  deflate: (body: Buffer) => deflateSync(body, { level: 1 }),
  br: (body: Buffer) => brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
  zstd: (body: Buffer) => zstdCompressSync(body),
};

it.each(Object.entries(PACKERS))(
  'A.2 a body may be compressed with %s, up to a limit of its uncompressed size',
  async (name, pack) => {
    const send = (body: Buffer) =>
      fetch(`${server.url}/v1/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-encoding': name },
        body: Uint8Array.from(pack(body)),
      });
    expect((await send(Buffer.from(JSON.stringify(ask(`packed ${name}`))))).status).toBe(200);
    const bomb = await send(BOMB);
    expect([bomb.status, await bomb.text()]).toEqual([413, expect.stringContaining('request_too_large')]);
  },
);

it('A.2 a body with a wrong or unknown content-encoding is a client error', async () => {
  const send = (name: string) =>
    supertest(server.url)
      .post('/v1/messages')
      .set({ 'content-type': 'application/json', 'content-encoding': name })
      .send('not packed at all');
  expectError(await send('gzip'), 400, 'invalid_request_error');
  expectError(await send('lzma'), 415, 'invalid_request_error', /content-encoding/);
});

it.each([
  ['those of Claude Code', BETAS],
  ['those of interactive Claude Code and an unknown one', MORE_BETAS],
  ['a malformed list', ',;"'],
])('A.2 no beta is rejected: %s', async (_, betas) => {
  await server.post(ask('betas'), { 'anthropic-beta': betas }).expect(200);
});
