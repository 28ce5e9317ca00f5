import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, request as startRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../../test/support/eventually.js';
import { BrokerProcess } from '../broker-process.js';
import { AgentEndpoints } from './agent-endpoints.js';

let folder: string;
let broker: BrokerProcess;
let endpoints: AgentEndpoints;
let restarts = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chiron-endpoints-'));
  restarts = 0;
  endpoints = new AgentEndpoints();
  broker = new BrokerProcess(
    {
      upstreams: [],
      spareLogins: join(folder, 'logins'),
      egress: { network: 'none', allowedHosts: [], credentials: [] },
      proxies: {},
      allowedModels: [],
      turnTokenLimit: 0,
    },
    { onRefused: () => undefined, onNotice: () => undefined, onRestart: () => (restarts += 1) },
  );
});

afterEach(async () => {
  await broker.stop();
  await endpoints.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Asks as a program of a thread that has a socket of its own. */
async function ask(thread: string, path: string, body = 'hi'): Promise<readonly [number | undefined, string]> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = startRequest({ socketPath: join(folder, thread), path, method: 'POST' }, resolve);
    request.once('error', reject);
    request.end(body);
  });
  return [response.statusCode, await text(response)];
}

const open = (thread: string) => broker.open(thread, { kind: 'socket', path: join(folder, thread), owner: undefined });

describe('an endpoint of the server', () => {
  it('is reached by the broker of its thread, and of no other', async () => {
    await open('one');
    await open('two');
    broker.relayTo(await endpoints.listen());
    const path = endpoints.add('one', (request, response) => {
      void text(request).then((body) => response.writeHead(201, { 'x-its': 'own' }).end(`heard ${body}`));
    });
    expect(await ask('one', path)).toEqual([201, 'heard hi']);
    expect(await ask('two', path)).toEqual([404, '']);
    expect(await ask('one', `${path}0`)).toEqual([404, '']);
    expect(await ask('one', `${path}?a=%20`)).toEqual([404, '']);
    endpoints.remove(path);
    expect(await ask('one', path)).toEqual([404, '']);
  });

  it('is reached by a program that has the token of its thread only', async () => {
    const port = await broker.open('one', { kind: 'loopback', token: 'token' });
    broker.relayTo(await endpoints.listen());
    const path = endpoints.add('one', (_request, response) => response.end(`${_request.headers.authorization}`));
    const statusAndText = async (headers: Readonly<Record<string, string>>) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
      return [response.status, await response.text()];
    };
    // The endpoint is not told the token.
    expect(await statusAndText({ authorization: 'Bearer token' })).toEqual([200, 'undefined']);
    expect((await statusAndText({}))[0]).toBe(401);
  });

  it('is reached by the next process of the broker', async () => {
    await open('one');
    broker.relayTo(await endpoints.listen());
    const path = endpoints.add('one', (request, response) => (request.resume(), response.end('here')));
    expect(await ask('one', path)).toEqual([200, 'here']);
    process.kill(broker.pid ?? 0, 'SIGKILL');
    await eventually(() => restarts).toBe(1);
    await eventually(async () => (await ask('one', path).catch(() => [0, '']))[1]).toBe('here');
  });

  it('sees when a program has given up', async () => {
    await open('one');
    broker.relayTo(await endpoints.listen());
    const seen: string[] = [];
    const path = endpoints.add('one', (request, response) => {
      request.resume();
      response.once('close', () => seen.push('gone'));
      seen.push('come');
    });
    const request = startRequest({ socketPath: join(folder, 'one'), path, method: 'POST' });
    request.once('error', () => undefined);
    request.end('hi');
    await eventually(() => seen).toEqual(['come']);
    request.destroy();
    await eventually(() => seen).toEqual(['come', 'gone']);
  });
});
