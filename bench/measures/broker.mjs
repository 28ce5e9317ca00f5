// What the broker costs: until the first byte of a model's answer, and in processor time per event of a stream, beside a bare proxy.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { BrokerProcess } from '../../build/broker/broker-process.js';
import { median } from '../statistics.mjs';

const BARE_PROXY = fileURLToPath(new URL('../bare-proxy.mjs', import.meta.url));
const EVENT = `event: content_block_delta\ndata: ${JSON.stringify({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'a few words of it' } })}\n\n`;
const TOKEN = 'token-of-the-bench';
const agent = new Agent({ keepAlive: true });

/** The added time to the first byte, and the processor time per event as a ratio. */
export async function measureBroker({ isQuick }) {
  const upstream = createServer(answer).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const { port } = upstream.address();
  const proxy = spawn(process.execPath, [BARE_PROXY, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(proxy.stdout, 'data');
  const bare = { url: String(line).trim(), pid: proxy.pid };
  const broker = new BrokerProcess(
    {
      upstreams: [
        {
          prefix: 'anthropic',
          baseUrl: `http://127.0.0.1:${port}`,
          headers: { 'x-api-key': 'key' },
          routes: ['POST /v1/messages'],
          answers: 'anthropic',
        },
      ],
      spareLogins: tmpdir(),
      egress: { network: 'none', allowedHosts: [], credentials: [] },
      allowedModels: [],
      turnTokenLimit: 0,
      proxies: {},
    },
    {
      onRefused: (_, what) => process.stderr.write(`refused ${what}\n`),
      onNotice: (what) => process.stderr.write(`${what}\n`),
      onRestart: (reason) => process.stderr.write(`${reason}\n`),
    },
  );
  try {
    const brokerPort = await broker.open('bench', { kind: 'loopback', token: TOKEN });
    broker.beginTurn('bench', { turnId: 'turn', hostLimits: [] });
    const ours = { url: `http://127.0.0.1:${brokerPort}/anthropic`, pid: broker.pid };
    return [await firstByteRow(bare, ours, isQuick ? 100 : 500), await processorRow(bare, ours, isQuick)];
  } finally {
    await broker.stop();
    proxy.kill();
    upstream.close();
    upstream.closeAllConnections();
  }
}

/** A stream with as many events as the path asks for, in pieces as a model sends them. */
function answer(incoming, response) {
  incoming.resume();
  let left = Number(new URL(incoming.url, 'http://upstream').searchParams.get('events'));
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = () => {
    for (let piece = 0; piece < 20 && left > 0; piece += 1, left -= 1) response.write(EVENT);
    if (left > 0) setImmediate(send);
    else response.end();
  };
  send();
}

async function firstByteRow(bare, ours, count) {
  const times = { bare: [], ours: [] };
  for (let round = -20; round < count; round += 1) {
    const [bareTime, ourTime] = [await ask(bare, 1), await ask(ours, 1)];
    if (round < 0) continue;
    times.bare.push(bareTime);
    times.ours.push(ourTime);
  }
  const [bareTime, ourTime] = [median(times.bare), median(times.ours)];
  return {
    title: 'the first byte of a model’s answer by the broker, beside a bare proxy',
    unit: 'ms',
    goal: 1,
    bare: bareTime,
    chiron: ourTime,
    value: ourTime - bareTime,
    compared: 'added',
  };
}

async function processorRow(bare, ours, isQuick) {
  const [events, rounds] = isQuick ? [5_000, 5] : [20_000, 9];
  const ratios = [];
  const costs = { bare: [], ours: [] };
  for (let round = -1; round < rounds; round += 1) {
    const [bareCost, ourCost] = [await cost(bare, events), await cost(ours, events)];
    if (round < 0) continue;
    costs.bare.push(bareCost);
    costs.ours.push(ourCost);
    ratios.push(ourCost / bareCost);
  }
  return {
    title: 'processor time per event of a model’s stream in the broker, beside a bare proxy',
    unit: 'µs',
    goal: 1.3,
    bare: median(costs.bare),
    chiron: median(costs.ours),
    value: median(ratios),
    range: [Math.min(...ratios), Math.max(...ratios)],
    compared: 'ratio',
  };
}

async function cost(server, events) {
  const before = processorTime(server.pid);
  await ask(server, events);
  return (processorTime(server.pid) - before) / events;
}

/** Sends a request, and gives the milliseconds until the first byte of its answer; reads it to its end. */
function ask({ url }, events) {
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}/v1/messages?events=${events}`, {
      method: 'POST',
      agent,
      headers: { 'x-api-key': TOKEN },
    });
    outgoing.once('error', reject);
    outgoing.once('response', (incoming) => {
      let first;
      incoming.on('data', () => (first ??= performance.now() - begun));
      incoming.once('end', () =>
        incoming.statusCode === 200 ? resolve(first) : reject(new Error(String(incoming.statusCode))),
      );
    });
    outgoing.end('{}');
  });
}

/** Processor time of all threads of a process so far, in microseconds. */
function processorTime(pid) {
  const tasks = `/proc/${pid}/task`;
  let nanoseconds = 0;
  for (const task of readdirSync(tasks))
    nanoseconds += Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ', 1)[0]);
  return nanoseconds / 1000;
}
