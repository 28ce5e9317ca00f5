import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
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

describe('A tunnel', () => {
  it('carries what the client still sends after the host has ended', async () => {
    const received = new Promise<string>((resolve) => {
      const host = createNetServer({ allowHalfOpen: true }, (socket) => {
        socket.end('bye');
        host.close();
        resolve(text(socket));
      });
      void listen(host).then(async (hostPort) => {
        const { socket } = await openTunnel(proxy, `site.example:${hostPort}`, true);
        socket.resume().once('end', () => socket.end('and more'));
      });
    });
    expect(await received).toBe('and more');
  });

  it('carries bytes that came together with the CONNECT', async () => {
    const together = `CONNECT site.example:${port} HTTP/1.1\r\nHost: x\r\n\r\nGET /early HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
    expect(await sendRaw(proxy, together)).toContain('GET /early');
  });

  it('carries bytes both ways, and lets the host answer after the client has ended', async () => {
    const echo = createNetServer({ allowHalfOpen: true }, (socket) => {
      void text(socket).then((received) => socket.end(`got ${received.length}`));
    });
    const echoPort = await listen(echo);
    const { status, socket } = await openTunnel(proxy, `site.example:${echoPort}`);
    socket.end('x'.repeat(1_000_000));
    expect(status).toBe(200);
    expect(await text(socket)).toBe('got 1000000');
    echo.close();
  });

  it('ends on both sides when one fails', async () => {
    let isClosed = false;
    const silent = createNetServer((socket) => void socket.resume().on('close', () => (isClosed = true)));
    const silentPort = await listen(silent);
    const { socket } = await openTunnel(proxy, `site.example:${silentPort}`);
    socket.resetAndDestroy();
    await eventually(() => isClosed).toBe(true);
    silent.close();
  });

  it('is refused beyond the limit of connections, until one ends', async () => {
    const opened = await Promise.all(Array.from({ length: 256 }, () => openTunnel(proxy, `site.example:${port}`)));
    expect(await openTunnel(proxy, `site.example:${port}`)).toMatchObject({ status: 429 });
    opened[0]?.socket.destroy();
    const open = async () => (await openTunnel(proxy, `site.example:${port}`)).status;
    await expect.poll(open).toBe(200);
  });

  it('ends when the proxy is closed', async () => {
    const { socket } = await openTunnel(proxy, `site.example:${port}`);
    const ended = text(socket).catch(() => 'reset');
    await proxy.close();
    expect(['', 'reset']).toContain(await ended);
    await restart({});
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

// Entries without a port are for ports 80 and 443, on which only root can listen.
it.skipIf(process.getuid?.() !== 0)('A tunnel to a listed web host carries TLS for this name only', async () => {
  const host = createNetServer((socket) => void socket.on('data', (bytes) => socket.end(`got ${bytes[0]}`)));
  host.listen(443, '127.0.0.43');
  await once(host, 'listening');
  const connectAs = async (entry: string, servername: string) => {
    await restart({ allowedHosts: allow(entry), resolve: () => Promise.resolve(['127.0.0.43']) });
    const { socket } = await openTunnel(proxy, 'cdn.example:443');
    const secure = connect({ socket, servername });
    const [error] = await once(secure, 'error').catch((reason: unknown) => [reason]);
    return String(error);
  };
  // The host speaks no TLS: its answer is an error of the client's TLS, a closed tunnel is another one.
  expect(await connectAs('cdn.example', 'cdn.example')).toMatch(/wrong version|packet length/);
  expect(proxy.refusals).toEqual([]);
  expect(await connectAs('cdn.example', 'evil.example')).not.toMatch(/wrong version|packet length/);
  expect(proxy.refusals).toEqual([
    'thread: Chiron refuses cdn.example:443: the tunnel does not carry TLS for this name',
  ]);
  expect(await connectAs('cdn.example:443', 'evil.example')).toMatch(/wrong version|packet length/);
  host.close();
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
