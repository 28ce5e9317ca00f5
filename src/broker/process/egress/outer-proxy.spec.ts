import { once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  allow,
  ask,
  bearerFor,
  closeServer,
  listen,
  makeHttpsServer,
  openTunnel,
  sendRaw,
  startProxy,
  type TestProxy,
} from '../../../../test/support/egress-proxy.js';
import { findOuterProxy } from './outer-proxy.js';
import { makeAuthority } from './tls/authority.js';

const toTarget = (host: string, port = 443) =>
  ({ kind: /^[\d.]+$|:/.test(host) ? 'address' : 'name', host, port }) as const;

describe(findOuterProxy.name, () => {
  const proxies = { HTTPS_PROXY: 'http://p:3128', http_proxy: 'https://q', HTTP_PROXY: 'http://other' };
  const find = (noProxy: string, host: string, port?: number) =>
    findOuterProxy({ ...proxies, NO_PROXY: noProxy }, 'https', toTarget(host, port))?.host;

  it('is the one of the scheme, whose name in small letters wins', () => {
    expect(findOuterProxy(proxies, 'https', toTarget('a'))?.href).toBe('http://p:3128/');
    expect(findOuterProxy(proxies, 'http', toTarget('a'))?.href).toBe('https://q/');
    expect(findOuterProxy({}, 'https', toTarget('a'))).toBeUndefined();
    expect(findOuterProxy({ https_proxy: 'socks5://p' }, 'https', toTarget('a'))).toBeUndefined();
    expect(findOuterProxy({ https_proxy: 'p:3128' }, 'https', toTarget('a'))).toBeUndefined();
  });

  it.each([
    ['*', 'any.example'],
    ['a.example, git.corp', 'git.corp'],
    ['GIT.corp', 'git.corp'],
    ['.corp', 'git.corp'],
    ['*.corp', 'deep.git.corp'],
    ['git.corp:443', 'git.corp'],
    ['10.0.0.5', '10.0.0.5'],
    ['10.0.0.0/8', '10.1.2.3'],
    ['fd00::/8', 'fd00::1'],
    ['fd00::1', 'fd00::1'],
    ['[fd00::1]:443', 'fd00::1'],
  ])('is not used with the exception %s for %s', (noProxy, host) => {
    expect(find(noProxy, host)).toBeUndefined();
  });

  it.each([
    ['', 'git.corp'],
    ['.corp', 'corp'],
    ['.corp', 'git-corp'],
    ['git.corp', 'x.git.corp'],
    ['git.corp:8443', 'git.corp'],
    ['10.0.0.0/8', '11.0.0.1'],
    ['10.0.0.0/8', 'git.corp'],
    ['10.0.0.0/99', '10.0.0.1'],
    ['corp/8', '10.0.0.1'],
  ])('is used with the exception "%s" for %s', (noProxy, host) => {
    expect(find(noProxy, host)).toBe('p:3128');
  });
});

describe('With a proxy of the deployment, the way to the network', () => {
  const seen: string[] = [];
  const servers: Server[] = [];
  let outer: Server;
  let outerUrl: string;
  let refusal: number | undefined;
  let proxy: TestProxy;

  /** A company's proxy, which finds every name on this machine. */
  beforeEach(async () => {
    refusal = undefined;
    outer = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.host} ${request.headers['proxy-authorization']}`);
      const { port, pathname } = new URL(request.url ?? '');
      const forwarded = httpRequest({ port, path: pathname, method: request.method }, (answer) =>
        answer.pipe(response),
      );
      request.pipe(forwarded);
    });
    outer.on('connect', (request, client) => {
      seen.push(`CONNECT ${request.url} ${request.headers['proxy-authorization']}`);
      if (refusal !== undefined) {
        client.end(`HTTP/1.1 ${refusal} No\r\nContent-Length: 0\r\n\r\n`);
        return;
      }
      const upstream = connect(Number(request.url?.split(':')[1]), '127.0.0.1');
      client.on('error', () => upstream.destroy());
      upstream.on('error', () => client.destroy());
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      client.pipe(upstream).pipe(client);
    });
    outerUrl = `http://user:pass%20word@127.0.0.1:${await listen(outer)}`;
  });

  afterEach(async () => {
    await proxy.close();
    for (const server of [outer, ...servers.splice(0)]) await closeServer(server);
    seen.splice(0);
  });

  const LOGIN = `Basic ${Buffer.from('user:pass word').toString('base64')}`;
  const variables = () => ({ HTTPS_PROXY: outerUrl, HTTP_PROXY: outerUrl, NO_PROXY: 'direct.example' });
  const start = async (options: Parameters<typeof startProxy>[0] = {}) => {
    const unknown = () => Promise.reject(new Error('ENOTFOUND'));
    proxy = await startProxy({ network: 'open', resolve: unknown, proxies: variables(), ...options });
  };
  async function serve(): Promise<number> {
    const server = createServer((request, response) => {
      void text(request).then((body) => response.end(`${request.method} ${request.url} ${body}`));
    });
    servers.push(server);
    return listen(server);
  }

  it('is a tunnel of that proxy, also for a name that only the proxy knows', async () => {
    await start();
    const port = await serve();
    const { status, socket } = await openTunnel(proxy, `site.example:${port}`, true);
    expect(status).toBe(200);
    // The end of one direction is carried, and leaves the other one open.
    socket.end('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(await text(socket)).toContain('GET /x');
    expect(seen).toEqual([`CONNECT site.example:${port} ${LOGIN}`]);
    await openTunnel(proxy, `site.example:${port}`).then(({ socket: second }) => second.destroy());
    expect(proxy.resolved).toEqual(['site.example']);
  });

  it('gives it requests of plain http in absolute form', async () => {
    await start();
    const port = await serve();
    const answered = await ask(proxy, `http://site.example:${port}/a`, { method: 'POST', body: 'body' });
    expect(answered).toMatchObject({ status: 200, text: 'POST /a body' });
    expect(seen).toEqual([`POST http://site.example:${port}/a site.example:${port} ${LOGIN}`]);
  });

  it('goes past it to its exceptions, whose addresses are checked', async () => {
    await start({ resolve: () => Promise.resolve(['127.0.0.1']), allowedHosts: allow('direct.example:*') });
    const port = await serve();
    expect((await ask(proxy, `http://direct.example:${port}/a`)).status).toBe(200);
    expect((await openTunnel(proxy, `direct.example:${port}`)).status).toBe(200);
    expect(seen).toEqual([]);
  });

  it('is still closed to what the policy refuses', async () => {
    await start({ resolve: (name) => Promise.resolve([name === 'inner.corp' ? '10.0.0.1' : '8.8.8.8']) });
    expect((await openTunnel(proxy, 'inner.corp:443')).status).toBe(403);
    expect((await openTunnel(proxy, '169.254.169.254:80')).status).toBe(403);
    await proxy.close();
    await start({ network: 'allowlist', allowedHosts: allow('listed.example') });
    expect((await openTunnel(proxy, 'other.example:443')).status).toBe(403);
    expect(seen).toEqual([]);
  });

  it('carries the requests with a credential, whose host is verified', async () => {
    const [ours, theirs] = await Promise.all([makeAuthority(), makeAuthority()]);
    const host = await makeHttpsServer(theirs, 'tools.corp', (request, response) =>
      response.end(String(request.headers.authorization)),
    );
    servers.push(host);
    const port = await listen(host);
    const options = { ca: ours, credentials: [bearerFor('tools.corp', port), bearerFor('wrong.corp', port)] };
    await start({ ...options, trustedRoots: [theirs.cert], allowedHosts: allow('*.corp:*') });
    const send = async (name: string) => {
      const { socket } = await openTunnel(proxy, `${name}:${port}`);
      const secure = connectTls({ socket, servername: name, ca: ours.cert });
      await once(secure, 'secureConnect');
      secure.write(`GET / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`);
      return text(secure);
    };
    expect(await send('tools.corp')).toContain('Bearer the-secret');
    expect(await send('wrong.corp')).toContain('has no certificate for this name');
    expect(seen).toEqual([`CONNECT tools.corp:${port} ${LOGIN}`, `CONNECT wrong.corp:${port} ${LOGIN}`]);
  });

  it('says which status the proxy has answered, and that it cannot be reached, without its address', async () => {
    await start();
    refusal = 407;
    const connectTo = () => sendRaw(proxy, 'CONNECT site.example:443 HTTP/1.1\r\nHost: site.example\r\n\r\n');
    const line = (why: string) => `502 site.example:443 could not be reached by the proxy of this server: ${why}\r\n`;
    expect(await connectTo()).toContain(line('it answered with status 407'));
    await closeServer(outer);
    expect(await connectTo()).toContain(line('it cannot be reached'));
    expect((await ask(proxy, 'http://site.example/')).status).toBe(502);
  });
});
