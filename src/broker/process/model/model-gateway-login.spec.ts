import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ModelGateway } from './model-gateway.js';
import { TokenCounts } from './token-counts.js';

const HOUR_MS = 3_600_000;

let folder: string;
let file: string;
const servers: Server[] = [];
const notices: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chiron-login-'));
  file = join(folder, 'login.json');
});

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
  notices.splice(0);
  rmSync(folder, { recursive: true });
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A model provider that takes one token, and its token end point. Gives the URL of a gateway to it. */
async function open(
  taken: string,
  answerToken: (body: string) => readonly [number, object],
  answers: 'anthropic' | 'openai' = 'anthropic',
) {
  const seen: IncomingMessage[] = [];
  const provider = await serve((request, response) => {
    void text(request).then((body) => {
      if (request.url === '/token') {
        const [status, answer] = answerToken(body);
        response.writeHead(status).end(JSON.stringify(answer));
        return;
      }
      seen.push(request);
      const isTaken = request.headers.authorization === `Bearer ${taken}`;
      response.writeHead(isTaken ? 200 : 401, { 'content-type': 'application/json' }).end(body);
    });
  });
  const gateway = new ModelGateway(
    {
      upstreams: [
        {
          prefix: 'p',
          baseUrl: provider,
          headers: {},
          login: {
            program: 'Codex',
            file,
            accessToken: ['at'],
            renewal: { url: `${provider}/token`, form: { client_id: 'c' }, refreshToken: ['rt'], expiresAt: ['end'] },
          },
          addedValues: { 'anthropic-beta': 'oauth' },
          routes: ['POST /v1/messages'],
          answers,
        },
      ],
      spareLogins: join(folder, 'logins'),
      egress: { network: 'none', allowedHosts: [], credentials: [] },
      allowedModels: [],
      proxies: {},
      turnTokenLimit: 0,
    },
    new TokenCounts(),
    { onRefused: () => undefined, onNotice: (what) => notices.push(what) },
  );
  const url = await serve((request, response) => gateway.handle(request, response, 'thread'));
  servers.at(-1)?.once('close', () => gateway.close());
  const ask = async () => {
    const headers = { authorization: 'Bearer placeholder', 'anthropic-beta': 'oauth, own' };
    const response = await fetch(`${url}/p/v1/messages`, { method: 'POST', headers, body: '{"a":1}' });
    return [response.status, await response.text()] as const;
  };
  return { ask, seen };
}

const write = (at: string, lifetimeMs: number) =>
  writeFileSync(file, JSON.stringify({ at, rt: 'rt', end: Date.now() + lifetimeMs }));

it('A request for an API with a login gets its token, and the whole body', async () => {
  write('good', HOUR_MS);
  const { ask, seen } = await open('good', () => [500, {}]);
  expect(await ask()).toEqual([200, '{"a":1}']);
  expect(seen[0]?.headers['anthropic-beta']).toBe('oauth,own');
});

it('A token that has ended is renewed before the request is sent', async () => {
  write('old', -1);
  const { ask, seen } = await open('good', () => [200, { access_token: 'good', expires_in: 3600 }]);
  expect(await ask()).toEqual([200, '{"a":1}']);
  expect(seen).toHaveLength(1);
  expect(readFileSync(file, 'utf8')).toContain('good');
});

it('A token that the provider refuses is renewed, and the agent told to send its request again', async () => {
  write('revoked', HOUR_MS);
  const { ask } = await open('good', () => [200, { access_token: 'good', expires_in: 3600 }]);
  const [status, body] = await ask();
  expect([status, JSON.parse(body)]).toMatchObject([503, { type: 'error', error: { type: 'api_error' } }]);
  expect(await ask()).toEqual([200, '{"a":1}']);
});

it('A renewed token that the provider refuses, too, is a 401, without another renewal', async () => {
  write('revoked', HOUR_MS);
  let renewals = 0;
  const { ask } = await open('good', () => [200, { access_token: `bad-${(renewals += 1)}`, expires_in: 3600 }]);
  expect((await ask())[0]).toBe(503);
  const [status, body] = await ask();
  expect([status, JSON.parse(body)]).toMatchObject([401, { error: { type: 'authentication_error' } }]);
  expect(renewals).toBe(1);
});

it.each(['anthropic', 'openai'] as const)(
  'A login that the provider has ended is a 401 in the form of %s that says what to do, and a warning',
  async (answers) => {
    write('old', -1);
    const { ask, seen } = await open('good', () => [400, { error: 'invalid_grant' }], answers);
    const [status, body] = await ask();
    expect([status, JSON.parse(body)]).toMatchObject([
      401,
      { error: { type: 'authentication_error', message: expect.stringContaining('Log in again.') } },
    ]);
    expect(seen).toEqual([]);
    expect(notices).toEqual(['The provider has refused to renew the login of Codex. Log in again.']);
  },
);

it('A provider that cannot renew a login now is a 503, and asked again for the next request', async () => {
  write('old', -1);
  let renewals = 0;
  const { ask } = await open('good', () => {
    renewals += 1;
    return renewals === 1 ? [502, {}] : [200, { access_token: 'good', expires_in: 3600 }];
  });
  expect((await ask())[0]).toBe(503);
  expect((await ask())[0]).toBe(200);
});
