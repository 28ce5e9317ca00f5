// Over 250 lines: one proxy and its hosts, with each way in which a request can go through it or not.
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import {
  allow,
  ask,
  bearerFor,
  closeServer,
  listen,
  openTunnel,
  run,
  sendRaw,
  startProxy,
  type TestProxy,
} from '../../../../test/support/egress-proxy.js';
import { createEgress } from './egress.js';

let upstream: Server;
let port: number;
let proxy: TestProxy;
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(async () => {
  answer = (request, response) => void response.end(`${request.method} ${request.url}`);
  upstream = createServer((request, response) => answer(request, response));
  port = await listen(upstream);
  proxy = await startProxy({ allowedHosts: allow(`site.example:*`) });
});

afterEach(async () => {
  await proxy.close();
  await closeServer(upstream);
});

async function restart(options: Parameters<typeof startProxy>[0]): Promise<void> {
  await proxy.close();
  proxy = await startProxy(options);
}

describe('A request in absolute form', () => {
  it('reaches its host with method, path and body, and without headers for the proxy', async () => {
    const headers: NodeJS.Dict<string | string[]>[] = [];
    answer = (request, response) => {
      headers.push(request.headers);
      void text(request).then((body) => response.end(`${request.method} ${request.url} ${body}`));
    };
    const sent = {
      'proxy-authorization': 'Basic x',
      'proxy-connection': 'close',
      connection: 'x-private, content-length',
      'x-private': '1',
      'x-public': '2',
      te: 'gzip',
      'content-length': '5',
      host: 'evil.example',
    };
    const answered = await ask(proxy, `http://site.example:${port}/a?b=c`, {
      method: 'PUT',
      body: 'hello',
      headers: sent,
    });
    expect(answered).toMatchObject({ status: 200, text: 'PUT /a?b=c hello' });
    expect(headers).toEqual([
      { 'x-public': '2', 'content-length': '5', host: `site.example:${port}`, connection: 'close' },
    ]);
  });

  it('carries a body of unknown length, and none where there is none', async () => {
    answer = (request, response) => {
      const { 'transfer-encoding': encoding, 'content-length': length } = request.headers;
      void text(request).then((body) => response.end(`${encoding} ${length} ${body}`));
    };
    const url = `http://site.example:${port}/`;
    const chunked = await sendRaw(
      proxy,
      `DELETE ${url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    );
    expect(chunked).toContain('chunked undefined hi');
    const empty = await sendRaw(proxy, `POST ${url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(empty).toContain('undefined 0 ');
  });

  it('is cut off when the answer is cut off', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    };
    await expect(ask(proxy, `http://site.example:${port}/`)).rejects.toThrow('aborted');
  });

  it('ends at its host when the client leaves', async () => {
    let state = 'none';
    answer = (_, response) => {
      state = 'open';
      response.on('close', () => (state = 'closed'));
    };
    const sent = request({ port: proxy.port, path: `http://site.example:${port}/`, agent: false }).end();
    sent.on('error', () => {});
    await eventually(() => state).toBe('open');
    sent.destroy();
    await eventually(() => state).toBe('closed');
  });

  it('gets answers as they come', async () => {
    let finish = (): void => {};
    answer = (_, response) => {
      response.flushHeaders();
      finish = () => void response.write('first', () => (finish = () => void response.end('last')));
    };
    const sent = request({ port: proxy.port, path: `http://site.example:${port}/`, agent: false }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    finish();
    const [first] = await once(response, 'data');
    finish();
    expect([String(first), await text(response)]).toEqual(['first', 'last']);
  });
});

describe('A host that answers nonsense', () => {
  it.each([
    'HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 \u0001\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`,
    'nonsense\r\n\r\n',
    '',
  ])('is a 502: %j', async (bytes) => {
    const host = createNetServer((socket) => void socket.on('error', () => {}).once('data', () => socket.end(bytes)));
    const hostPort = await listen(host);
    expect(await ask(proxy, `http://site.example:${hostPort}/`)).toMatchObject({ status: 502 });
    host.close();
  });
});

describe('A thread whose caller has a policy', () => {
  it('loses its connections when the policy changes, and reaches what each policy allows', async () => {
    let state = 'none';
    answer = (_, response) => {
      response.on('close', () => (state = 'closed')).write('begun');
      state = 'open';
    };
    const sent = request({ port: proxy.port, path: `http://site.example:${port}/`, agent: false }).end();
    sent.on('error', () => {});
    await eventually(() => state).toBe('open');
    proxy.limit({ source: 'this tenant', allowedHosts: allow('other.example') });
    await eventually(() => state).toBe('closed');
    expect(await ask(proxy, `http://site.example:${port}/`)).toMatchObject({
      status: 403,
      text: `Chiron refuses site.example:${port}: the policy of this tenant does not allow it\n`,
    });
    answer = (_, response) => response.end('done');
    proxy.limit({ source: 'this tenant', allowedHosts: allow(`site.example:${port}`) });
    expect(await ask(proxy, `http://site.example:${port}/`)).toMatchObject({ status: 200, text: 'done' });
  });

  it('keeps its connections when a turn with the same policy begins', async () => {
    const limits = () => [{ source: 'this tenant', allowedHosts: allow(`site.example:${port}`) }];
    let finish = (): void => {};
    answer = (_, response) => {
      response.flushHeaders();
      finish = () => void response.end('whole');
    };
    proxy.limit(...limits());
    const sent = request({ port: proxy.port, path: `http://site.example:${port}/`, agent: false }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    proxy.limit(...limits());
    finish();
    expect(await text(response)).toBe('whole');
  });
});

describe('A refusal', () => {
  it('tells curl why, and is reported once however often it is repeated', async () => {
    const http = await run('curl', ['-s', '--proxy', proxy.url, 'http://other.example/secret?token=1']);
    expect(http.output).toBe('Chiron refuses other.example:80: it is not in CHIRON_SANDBOX_ALLOWED_HOSTS\n');
    const https = await run('curl', ['-v', '--proxy', proxy.url, 'https://other.example/secret']);
    expect(https.output).toContain('403 Chiron refuses other.example:443: it is not in CHIRON_SANDBOX_ALLOWED_HOSTS');
    await run('curl', ['-s', '--proxy', proxy.url, 'https://other.example/']);
    expect(proxy.refusals).toEqual([
      'thread: Chiron refuses other.example:80: it is not in CHIRON_SANDBOX_ALLOWED_HOSTS',
      'thread: Chiron refuses other.example:443: it is not in CHIRON_SANDBOX_ALLOWED_HOSTS',
    ]);
    expect(proxy.resolved).toEqual([]);
  });

  it('meets a redirect to an address that is not allowed', async () => {
    answer = (_, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${port}/private` });
      response.end();
    };
    const followed = await run('curl', ['-sL', '--proxy', proxy.url, `http://site.example:${port}/`]);
    expect(followed.output).toContain(`Chiron refuses 127.0.0.1:${port}: it is not in`);
  });

  it('meets names whose addresses are private, and loopback addresses in any spelling', async () => {
    await restart({ network: 'open', resolve: () => Promise.resolve(['93.184.216.34', '10.0.0.1']) });
    expect(await ask(proxy, 'http://rebinding.example/')).toMatchObject({ status: 403 });
    for (const host of ['127.1', '0x7f000001', '2130706433', '[::1]', '[::ffff:127.0.0.1]', '169.254.169.254']) {
      expect(await openTunnel(proxy, `${host}:${port}`), host).toMatchObject({ status: 403 });
      expect(await ask(proxy, `http://${host}:${port}/`), host).toMatchObject({ status: 403 });
    }
  });
});

describe('The name of a host', () => {
  it('is resolved once, and the connection goes to the address that was checked', async () => {
    const answers = [['127.0.0.1'], ['10.255.255.1'], ['10.255.255.1']];
    await restart({ allowedHosts: allow('site.example:*'), resolve: () => Promise.resolve(answers.shift() ?? []) });
    expect(await ask(proxy, `http://site.example:${port}/x`)).toMatchObject({ text: 'GET /x' });
    expect(proxy.resolved).toEqual(['site.example']);
  });

  it('is tried at its next address when the first does not answer', async () => {
    await restart({
      allowedHosts: allow('site.example:*'),
      resolve: () => Promise.resolve(['127.0.0.9', '127.0.0.1']),
    });
    expect(await ask(proxy, `http://site.example:${port}/x`)).toMatchObject({ text: 'GET /x' });
    expect(await openTunnel(proxy, `site.example:${port}`)).toMatchObject({ status: 200 });
  });

  it('that has no address is a 502, as is a port that nobody listens on', async () => {
    await restart({ network: 'open', resolve: () => Promise.reject(new Error('ENOTFOUND')) });
    expect(await ask(proxy, 'http://none.example/')).toMatchObject({
      status: 502,
      text: 'Chiron cannot resolve the name of none.example:80\n',
    });
    expect(await openTunnel(proxy, 'none.example:443')).toMatchObject({ status: 502 });
    await restart({ allowedHosts: allow('site.example:*') });
    await closeServer(upstream);
    expect(await openTunnel(proxy, `site.example:${port}`)).toMatchObject({ status: 502 });
    expect(await ask(proxy, `http://site.example:${port}/`)).toMatchObject({
      status: 502,
      text: `site.example:${port} could not be reached\n`,
    });
  });
});

describe('A smuggled target', () => {
  it.each([
    'CONNECT site.example :80 HTTP/1.1',
    'CONNECT user@site.example:80 HTTP/1.1',
    'CONNECT site.example HTTP/1.1',
    'GET http://user:word@site.example/ HTTP/1.1',
    'GET https://site.example/ HTTP/1.1',
    'GET /relative HTTP/1.1',
    'GET http://site.example@evil.example/ HTTP/1.1',
  ])('is a 400: %s', async (line) => {
    expect(await sendRaw(proxy, `${line}\r\nHost: site.example\r\nConnection: close\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 400/,
    );
    expect(proxy.resolved).toEqual([]);
  });
});

it('Credentials without a certificate authority are a fault of the program', () => {
  const options = {
    network: 'open',
    allowedHosts: [],
    credentials: [bearerFor('a', 443)],
    onRefused: () => {},
  } as const;
  expect(() => createEgress(options)).toThrow('need a certificate authority');
});
