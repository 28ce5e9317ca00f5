import { createServer, type IncomingMessage, request as httpRequest, type RequestListener } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import type { Upstream } from '../../protocol.js';
import { ModelGateway } from './model-gateway.js';
import { TokenCounts } from './token-counts.js';

const servers: Server[] = [];
const refused: string[] = [];
const notices: string[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  refused.splice(0);
  notices.splice(0);
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return (server.address() as AddressInfo).port;
}

async function serve(listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(createServer(listener))}`;
}

/** The port of a gateway to one API. */
async function open(
  upstream: Partial<Upstream>,
  allowedModels: readonly string[] = [],
  proxies: Readonly<Record<string, string>> = {},
): Promise<number> {
  const base: Upstream = {
    prefix: 'anthropic',
    baseUrl: 'http://127.0.0.1:1',
    headers: { 'x-api-key': 'secret' },
    routes: ['POST /v1/messages', 'GET /v1/models'],
    answers: 'anthropic',
  };
  const gateway = new ModelGateway(
    {
      upstreams: [{ ...base, ...upstream }],
      spareLogins: '/nowhere',
      egress: { network: 'none', allowedHosts: [], credentials: [] },
      allowedModels,
      proxies,
      turnTokenLimit: 0,
    },
    new TokenCounts(),
    { onRefused: (_, what) => refused.push(what), onNotice: (what) => notices.push(what) },
  );
  const server = createServer((request, response) => gateway.handle(request, response, 'thread'));
  server.once('close', () => gateway.close());
  return listen(server);
}

function post(port: number, headers: Readonly<Record<string, string>> = {}) {
  const request = httpRequest({ port, path: '/anthropic/v1/messages', method: 'POST', headers, agent: false });
  const response = new Promise<IncomingMessage>((resolve, reject) =>
    request.once('response', resolve).once('error', reject),
  );
  return { request, response };
}

describe('The gateway to model providers', () => {
  it('sends no body with a request that has none, as it would be a request of its own past all checks', async () => {
    let seen = '';
    const upstream = createTcpServer((socket) => {
      socket.on('data', (chunk) => {
        seen += String(chunk);
        if (seen.includes('\r\n\r\n')) socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      });
    });
    const port = await open({ baseUrl: `http://127.0.0.1:${await listen(upstream)}` });
    const hidden = 'POST /v1/organizations HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n';
    const framings = [
      `Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`,
      `Connection: close\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
      `Connection: content-length, close\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
    ];
    for (const framing of framings) {
      seen = '';
      const client = connect(port, '127.0.0.1');
      client.write(`GET /anthropic/v1/models HTTP/1.1\r\nHost: a\r\n${framing}`);
      expect(await text(client)).toMatch(/^HTTP\/1\.1 200 /);
      expect(seen).toMatch(/^GET \/v1\/models /);
      expect(seen).not.toContain('organizations');
      expect(seen.toLowerCase()).not.toContain('content-length');
    }
  });

  it.each([
    ['an address that is no URL', { baseUrl: 'not a url' }],
    ['an address of another protocol', { baseUrl: 'ftp://127.0.0.1' }],
    ['a credential that no header can hold', { headers: { 'x-api-key': 'two\nlines' } }],
  ])('answers, and says in the log what is wrong, with %s', async (_, upstream) => {
    const { request, response } = post(await open(upstream));
    request.end('{}');
    const answer = await response;
    const body = await text(answer);
    expect([answer.statusCode, JSON.parse(body)]).toMatchObject([502, { error: { type: 'api_error' } }]);
    expect(refused).toEqual(['a request to a model provider whose address or credential is malformed']);
    expect(body + refused.join('')).not.toMatch(/two|ftp|not a url/);
  });

  it('goes through the deployment’s proxy, but for its exceptions', async () => {
    const seen: string[] = [];
    const proxy = await serve((request, response) => {
      seen.push(`${String(request.url)} ${String(request.headers['x-api-key'])}`);
      response.end('by the proxy');
    });
    const direct = await serve((_, response) => response.end('direct'));
    const proxies = { HTTP_PROXY: proxy, NO_PROXY: '127.0.0.1' };
    const ask = async (baseUrl: string) => {
      const { request, response } = post(await open({ baseUrl }, [], proxies));
      request.end('{}');
      return text(await response);
    };
    expect(await ask('http://model.invalid')).toBe('by the proxy');
    expect(await ask(direct)).toBe('direct');
    expect(seen).toEqual(['http://model.invalid/v1/messages secret']);
  });

  it('passes a body on as it comes, while it is read for its model', async () => {
    const parts: string[] = [];
    const baseUrl = await serve((request, response) => {
      request.on('data', (part) => parts.push(String(part)));
      request.once('end', () => response.end('ok'));
    });
    const { request, response } = post(await open({ baseUrl }, ['claude-a*']));
    request.write('{"system":"long",');
    await eventually(() => parts).toEqual(['{"system":"long",']);
    request.end('"model":"claude-a-1"}');
    expect([(await response).statusCode, await text(await response)]).toEqual([200, 'ok']);
    expect(parts.join('')).toBe('{"system":"long","model":"claude-a-1"}');
  });

  it('never completes a body whose model is not allowed', async () => {
    const seen: string[] = [];
    const baseUrl = await serve((request) => {
      request
        .on('data', (part) => seen.push(String(part)))
        .once('end', () => seen.push('complete'))
        .once('error', () => seen.push('broken off'));
    });
    const { request, response } = post(await open({ baseUrl }, ['claude-a*']));
    request.write('{"system":"long",');
    await eventually(() => seen).toHaveLength(1);
    request.end('"model":"claude-b"}');
    expect([(await response).statusCode, JSON.parse(await text(await response))]).toMatchObject([
      403,
      { type: 'error', error: { type: 'permission_error' } },
    ]);
    expect(refused).toEqual(['model claude-b']);
    await eventually(() => seen).toEqual(['{"system":"long",', 'broken off']);
  });

  it('refuses a compressed body where it has to know the model', async () => {
    const { request, response } = post(await open({}, ['*']), { 'content-encoding': 'br' });
    request.end('{"model":"claude-a"}');
    expect((await response).statusCode).toBe(403);
  });
});
