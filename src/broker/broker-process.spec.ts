// Over 250 lines: the broker's process is tried with real sockets, upstreams and clients, and the same few helpers.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type RequestListener,
  type Server,
} from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../test/support/eventually.js';
import { parseAllowedHosts } from '../config/allowed-hosts.js';
import { BrokerProcess } from './broker-process.js';
import type { BrokerConfig, Upstream } from './protocol.js';

const SECRET = 'sk-the-deployments-own-key';

let folder: string;
let broker: BrokerProcess | undefined;
const servers: { close(): unknown }[] = [];
const refused: string[] = [];
const restarts: string[] = [];
const notices: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chiron-broker-'));
});

afterEach(async () => {
  await broker?.stop();
  broker = undefined;
  for (const server of servers.splice(0)) server.close();
  refused.splice(0);
  restarts.splice(0);
  notices.splice(0);
  rmSync(folder, { recursive: true, force: true });
});

async function serve(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push({ close: () => (server.close(), server.closeAllConnections()) });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function open(upstream: Partial<Upstream>, more: Partial<BrokerConfig> = {}): Promise<string> {
  const config: BrokerConfig = {
    upstreams: [
      {
        prefix: 'anthropic',
        baseUrl: 'http://127.0.0.1:1',
        headers: { 'x-api-key': SECRET },
        routes: ['POST /v1/messages', 'POST /v1/messages/count_tokens', 'GET /v1/models/*'],
        answers: 'anthropic',
        ...upstream,
      },
    ],
    spareLogins: join(folder, 'logins'),
    egress: { network: 'none', allowedHosts: [], credentials: [] },
    proxies: {},
    allowedModels: [],
    turnTokenLimit: 0,
    ...more,
  };
  broker = new BrokerProcess(config, {
    onRefused: (threadId, what) => refused.push(`${threadId}: ${what}`),
    onNotice: (what) => notices.push(what),
    onRestart: (reason) => restarts.push(reason),
  });
  const path = join(folder, 's');
  await broker.open('one', { kind: 'socket', path, owner: undefined });
  return path;
}

async function openLoopback(baseUrl: string): Promise<number> {
  await open({ baseUrl });
  const port = await broker?.open('loopback', { kind: 'loopback', token: 'token' });
  if (port === undefined) throw new Error('the broker has no port');
  return port;
}

async function askLoopback(port: number | undefined, token = 'token'): Promise<number> {
  const url = `http://127.0.0.1:${String(port)}/anthropic/v1/messages`;
  return (await fetch(url, { method: 'POST', headers: { 'x-api-key': token }, body: '{}' })).status;
}

async function dieOnce(): Promise<void> {
  process.kill(broker?.pid ?? 0, 'SIGKILL');
  await eventually(() => restarts.length).toBe(1);
}

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

function send(socketPath: string, path: string, { method = 'POST', headers = {}, body = '{}' }: Sent = {}) {
  return new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpRequest({ socketPath, path, method, headers }, resolve);
    request.once('error', reject);
    request.end(method === 'GET' ? undefined : body);
  });
}

async function answerOf(response: IncomingMessage) {
  return { status: response.statusCode, body: await text(response) };
}

function usageAnswer(output: number): RequestListener {
  return (request, response) => {
    request
      .resume()
      .once('end', () =>
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(
            JSON.stringify({ type: 'message', model: 'claude-a', usage: { input_tokens: 10, output_tokens: output } }),
          ),
      );
  };
}

describe('a request of an agent to its model', () => {
  it('gets the deployment’s key, and none of what the agent says about itself', async () => {
    const seen: IncomingMessage[] = [];
    const bodies: string[] = [];
    const baseUrl = await serve((request, response) => {
      seen.push(request);
      void text(request).then((body) => {
        bodies.push(body);
        response.writeHead(201, { 'x-upstream': 'yes', 'request-id': 'r1' }).end('ok');
      });
    });
    const path = await open({ baseUrl: `${baseUrl}/gateway`, addedValues: { 'anthropic-beta': 'added' } });
    const headers = {
      'x-api-key': 'placeholder',
      authorization: 'Bearer placeholder',
      'proxy-authorization': 'Basic x',
      'anthropic-beta': 'own',
      'anthropic-version': '2023-06-01',
      'accept-encoding': 'gzip',
    };
    const response = await send(path, '/anthropic/v1/messages?beta=true', { headers, body: '{"a":"ü"}' });
    expect(await answerOf(response)).toEqual({ status: 201, body: 'ok' });
    expect(response.headers).toMatchObject({ 'x-upstream': 'yes', 'request-id': 'r1' });
    expect(bodies).toEqual(['{"a":"ü"}']);
    expect(seen[0]?.url).toBe('/gateway/v1/messages?beta=true');
    expect(seen[0]?.headers).toMatchObject({
      'x-api-key': SECRET,
      'anthropic-beta': 'own,added',
      'anthropic-version': '2023-06-01',
      'accept-encoding': 'identity',
    });
    expect(seen[0]?.headers.authorization).toBeUndefined();
    expect(seen[0]?.headers['proxy-authorization']).toBeUndefined();
  });

  it.each([
    ['POST', '/anthropic/v1/organizations'],
    ['GET', '/anthropic/v1/messages'],
    ['POST', '/anthropic/v1/messages/../organizations'],
    ['GET', '/anthropic/v1/models/..'],
    ['GET', '/anthropic/v1/models/a/b'],
    ['POST', '/anthropic/v1/messages/batches'],
    ['POST', '/other/v1/messages'],
    ['POST', '/anthropicx/v1/messages'],
  ])('is refused as %s %s', async (method, target) => {
    let calls = 0;
    const path = await open({ baseUrl: await serve((_, response) => (calls++, response.end())) });
    const { status, body } = await answerOf(await send(path, target, { method }));
    expect([status, JSON.parse(body)]).toMatchObject([404, { type: 'error', error: { type: 'not_found_error' } }]);
    await eventually(() => refused.length).toBe(1);
    expect(calls).toBe(0);
  });

  it('is answered chunk by chunk, and ended upstream when the agent leaves', async () => {
    let closed = false;
    const baseUrl = await serve((request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: one\n\n');
      response.once('close', () => (closed = true));
      request.resume();
    });
    const path = await open({ baseUrl });
    const response = await send(path, '/anthropic/v1/messages');
    const [first] = (await response.take(1).toArray()) as Buffer[];
    expect(String(first)).toBe('data: one\n\n');
    response.destroy();
    await eventually(() => closed).toBe(true);
  });

  it('is cut off for the agent where its answer is cut off', async () => {
    const baseUrl = await serve((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      setTimeout(() => response.destroy(), 20);
    });
    const response = await send(await open({ baseUrl }), '/anthropic/v1/messages');
    await expect(text(response)).rejects.toThrow('aborted');
  });

  it('is an error of the API while the model provider cannot be reached', async () => {
    const { status, body } = await answerOf(await send(await open({}), '/anthropic/v1/messages'));
    expect([status, JSON.parse(body)]).toMatchObject([502, { type: 'error', error: { type: 'api_error' } }]);
    expect(body).not.toContain('127.0.0.1');
  });

  it('is refused for a model that is not allowed, however the body hides it', async () => {
    const path = await open({ baseUrl: await serve(usageAnswer(1)) }, { allowedModels: ['claude-a*', 'exact'] });
    const ask = async (body: string) => (await answerOf(await send(path, '/anthropic/v1/messages', { body }))).status;
    expect(await ask('{"model":"claude-a-1"}')).toBe(200);
    expect(await ask('{"model":"exact"}')).toBe(200);
    expect(await ask('{"model":"claude-b"}')).toBe(403);
    expect(await ask('{"model":"exactly"}')).toBe(403);
    expect(await ask('{"model":"claude-a","model":"claude-b"}')).toBe(403);
    expect(await ask('{"x":{"model":"claude-a"},"model":"claude-b"}')).toBe(403);
    expect(await ask('not JSON')).toBe(403);
  });

  it('has the place of its turn in a trace, in place of the agent’s own', async () => {
    const seen: unknown[] = [];
    const baseUrl = await serve((request, response) => {
      seen.push([request.headers['traceparent'], request.headers['tracestate']]);
      usageAnswer(1)(request, response);
    });
    const path = await open({ baseUrl });
    const headers = { traceparent: 'of the agent', tracestate: 'a=b' };
    const ask = async () => answerOf(await send(path, '/anthropic/v1/messages', { headers }));
    broker?.beginTurn('one', { turnId: 'first', hostLimits: [], traceparent: 'of the turn' });
    await ask();
    broker?.beginTurn('one', { turnId: 'second', hostLimits: [] });
    await ask();
    expect(seen).toEqual([
      ['of the turn', undefined],
      ['of the agent', 'a=b'],
    ]);
  });

  it('is refused once its turn has used its tokens, and goes on in the next turn', async () => {
    const path = await open({ baseUrl: await serve(usageAnswer(40)) }, { turnTokenLimit: 60 });
    const ask = async () => (await answerOf(await send(path, '/anthropic/v1/messages'))).status;
    broker?.beginTurn('one', { turnId: 'first', hostLimits: [] });
    expect([await ask(), await ask(), await ask()]).toEqual([200, 200, 400]);
    broker?.beginTurn('one', { turnId: 'second', hostLimits: [] });
    await eventually(ask).toBe(200);
  });

  it('is not free for an agent that leaves before the provider says what it costs', async () => {
    const baseUrl = await serve((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: {"type":"response.output_text.delta","delta":"${'words '.repeat(400)}"}\n\n`);
    });
    const path = await open({ baseUrl, answers: 'openai' }, { turnTokenLimit: 100 });
    broker?.beginTurn('one', { turnId: 'turn', hostLimits: [] });
    const first = await send(path, '/anthropic/v1/messages');
    await first.take(1).toArray();
    first.destroy();
    await eventually(async () => {
      const response = await send(path, '/anthropic/v1/messages');
      response.destroy();
      return response.statusCode;
    }).toBe(400);
  });

  it('waits for another one where both may pass the limit, and is refused where the first has', async () => {
    let calls = 0;
    const baseUrl = await serve((request, response) => {
      calls += 1;
      if (calls === 1) setTimeout(() => usageAnswer(60)(request, response), 200);
      else usageAnswer(60)(request, response);
    });
    const path = await open({ baseUrl }, { turnTokenLimit: 60 });
    broker?.beginTurn('one', { turnId: 'turn', hostLimits: [] });
    const ask = async () => (await answerOf(await send(path, '/anthropic/v1/messages'))).status;
    const statuses = await Promise.all([ask(), ask(), ask()]);
    expect(statuses.toSorted((a, b) => Number(a) - Number(b))).toEqual([200, 400, 400]);
    expect(calls).toBe(1);
  });

  it('is refused above the limit also once its turn is over and counted', async () => {
    const path = await open({ baseUrl: await serve(usageAnswer(60)) }, { turnTokenLimit: 60 });
    const ask = async () => (await answerOf(await send(path, '/anthropic/v1/messages'))).status;
    broker?.beginTurn('one', { turnId: 'first', hostLimits: [] });
    expect(await ask()).toBe(200);
    expect(await broker?.count('first')).toHaveLength(1);
    expect(await ask()).toBe(400);
  });
});

describe('the broker', () => {
  it('counts the tokens of each turn by model, once', async () => {
    const path = await open({ baseUrl: await serve(usageAnswer(5)) });
    broker?.beginTurn('one', { turnId: 'turn', hostLimits: [] });
    for (let round = 0; round < 2; round += 1) await answerOf(await send(path, '/anthropic/v1/messages'));
    await answerOf(await send(path, '/anthropic/v1/messages/count_tokens'));
    const tokens = {
      inputTokens: 20,
      outputTokens: 10,
      cacheReadInputTokens: 0,
      cacheCreationInputTokens: 0,
      cacheCreation1hInputTokens: 0,
    };
    expect(await broker?.count('turn')).toEqual([{ model: 'claude-a', ...tokens }]);
    expect(await broker?.count('turn')).toBeUndefined();
    expect(await broker?.count('another')).toBeUndefined();
  });

  it('knows threads without a socket by their tokens', async () => {
    const baseUrl = await serve(usageAnswer(5));
    await open({ baseUrl });
    const port = await broker?.open('two', { kind: 'loopback', token: 'token-of-two' });
    broker?.beginTurn('two', { turnId: 'turn', hostLimits: [] });
    const url = `http://127.0.0.1:${String(port)}/anthropic/v1/messages`;
    const ask = async (headers: Readonly<Record<string, string>>) =>
      (await fetch(url, { method: 'POST', headers, body: '{}' })).status;
    expect(await ask({})).toBe(401);
    expect(await ask({ 'x-api-key': 'token-of-one' })).toBe(401);
    expect(await ask({ 'x-api-key': 'token-of-two' })).toBe(200);
    expect(await ask({ authorization: 'Bearer token-of-two' })).toBe(200);
    expect(await broker?.count('turn')).toMatchObject([{ outputTokens: 10 }]);
    broker?.close('two');
    await eventually(() => ask({ 'x-api-key': 'token-of-two' })).toBe(401);
  });

  it('has the keys neither in its command line nor in its environment', async () => {
    await open({});
    for (const file of ['cmdline', 'environ']) {
      expect(readFileSync(`/proc/${String(broker?.pid)}/${file}`, 'utf8')).not.toContain(SECRET);
    }
  });

  it('is started again when it dies, with the threads that were open', async () => {
    const path = await open({ baseUrl: await serve(usageAnswer(5)) });
    const { pid } = broker ?? {};
    process.kill(pid ?? 0, 'SIGKILL');
    await eventually(() => restarts.length).toBe(1);
    await eventually(async () => (await send(path, '/anthropic/v1/messages').catch(() => undefined))?.statusCode).toBe(
      200,
    );
    expect(broker?.pid).not.toBe(pid);
  });

  it('has the same port when it is started again, as programs that run know no other', async () => {
    const port = await openLoopback(await serve(usageAnswer(5)));
    const ask = () => askLoopback(port).catch(() => undefined);
    expect(await ask()).toBe(200);
    await dieOnce();
    await eventually(ask).toBe(200);
    expect(await broker?.open('two', { kind: 'loopback', token: 'token-of-two' })).toBe(port);
  });

  it('has another port for later threads when its own was taken meanwhile', async () => {
    const port = await openLoopback(await serve(usageAnswer(5)));
    broker?.close('loopback');
    const taken = createTcpServer();
    servers.push(taken);
    await dieOnce();
    await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve));
    const other = await broker?.open('two', { kind: 'loopback', token: 'token-of-two' });
    expect([other === port, await askLoopback(other, 'token-of-two')]).toEqual([false, 200]);
  });

  it('holds a turn that ran when it died to its limit, but has no count of it', async () => {
    const path = await open({ baseUrl: await serve(usageAnswer(40)) }, { turnTokenLimit: 60 });
    const ask = async () => (await send(path, '/anthropic/v1/messages').catch(() => undefined))?.statusCode;
    broker?.beginTurn('one', { turnId: 'turn', hostLimits: [] });
    expect(await ask()).toBe(200);
    await dieOnce();
    await eventually(ask).toBe(200);
    await eventually(ask).toBe(400);
    expect(await broker?.count('turn')).toBeUndefined();
  });

  it('opens for a thread that comes while it dies', async () => {
    await open({ baseUrl: await serve(usageAnswer(5)) });
    process.kill(broker?.pid ?? 0, 'SIGKILL');
    const path = join(folder, 'two');
    await broker?.open('two', { kind: 'socket', path, owner: undefined });
    expect((await answerOf(await send(path, '/anthropic/v1/messages'))).status).toBe(200);
  });

  it('serves the others while the programs of one thread open connections without end', async () => {
    const path = await open({ baseUrl: await serve(usageAnswer(5)) });
    const other = join(folder, 'other');
    await broker?.open('other', { kind: 'socket', path: other, owner: undefined });
    let opened = 0;
    let closed = 0;
    while (opened < 1010) {
      const socket = connect(path);
      servers.push({ close: () => socket.destroy() });
      // The system itself refuses more than it can queue: that is tried again.
      const hasOpened = await new Promise<boolean>((resolve) => {
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      });
      if (!hasOpened) continue;
      opened += 1;
      socket.on('close', () => (closed += 1));
    }
    await eventually(() => closed).toBe(10);
    expect((await answerOf(await send(other, '/anthropic/v1/messages'))).status).toBe(200);
  });

  it('ends with the server', async () => {
    await open({});
    const pid = broker?.pid ?? 0;
    await broker?.stop();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});

describe('the way to the network', () => {
  async function proxy(hosts?: string, network: 'open' | 'none' = 'open') {
    const parsed = parseAllowedHosts(hosts);
    if (!('value' in parsed)) throw new Error(parsed.expected);
    return open({}, { egress: { network, allowedHosts: parsed.value, credentials: [] } });
  }

  function tunnel(socketPath: string, authority: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(socketPath);
      socket.once('error', reject);
      socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\nearly `);
      let answer = '';
      let hasWritten = false;
      socket.on('data', (chunk) => {
        answer += String(chunk);
        if (answer.includes('early late')) socket.end();
        else if (answer.startsWith('HTTP/1.1 200') && !hasWritten) hasWritten = socket.write('late') || true;
      });
      socket.once('close', () => resolve(answer));
    });
  }

  async function echo(): Promise<number> {
    const server = createTcpServer((socket) => socket.pipe(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
    return (server.address() as AddressInfo).port;
  }

  it('is a tunnel to a host that is allowed', async () => {
    const port = await echo();
    const answer = await tunnel(await proxy(`127.0.0.1:${port}`), `127.0.0.1:${port}`);
    expect(answer).toMatch(/^HTTP\/1\.1 200 Connection established\r\n\r\nearly late$/);
  });

  it('is closed to a private address, and says which setting would open it', async () => {
    const port = await echo();
    const answer = await tunnel(await proxy(), `localhost:${port}`);
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).toContain(`Chiron refuses localhost:${port}: its address is a loopback`);
    await eventually(() => refused).toEqual([expect.stringMatching(`^one: Chiron refuses localhost:${port}: `)]);
    await tunnel(join(folder, 's'), `localhost:${port}`);
    expect(refused).toHaveLength(1);
  });

  it('is closed without a network', async () => {
    const port = await echo();
    expect(await tunnel(await proxy(`127.0.0.1:${port}`, 'none'), `127.0.0.1:${port}`)).toMatch(
      / 403 .*CHIRON_SANDBOX_NETWORK/s,
    );
  });

  it('forwards requests with a whole URL, and lets the URL say which host is asked', async () => {
    const seen: string[] = [];
    const url = await serve((request, response) => {
      seen.push(
        `${String(request.headers.host)} ${String(request.url)} ${String(request.headers['proxy-authorization'])}`,
      );
      response.writeHead(302, { location: 'http://169.254.169.254/' }).end('there');
    });
    const { port, host } = new URL(url);
    const path = await proxy(`127.0.0.1:${port}`);
    const headers = { host: 'evil.example', 'proxy-authorization': 'Basic x' };
    const response = await send(path, `${url}/a?b=c`, { method: 'GET', headers });
    expect([response.statusCode, response.headers.location]).toEqual([302, 'http://169.254.169.254/']);
    response.resume();
    expect(seen).toEqual([`${host} /a?b=c undefined`]);
    expect((await answerOf(await send(path, 'http://169.254.169.254/', { method: 'GET' }))).status).toBe(403);
    expect((await answerOf(await send(path, 'http://no-such-host.invalid/', { method: 'GET' }))).status).toBe(502);
  });
});
