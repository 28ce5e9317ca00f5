// Whether one caller can block the others: the latency of a small request during a hostile or huge one.
import { Buffer } from 'node:buffer';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { newThread, open, requestBody, requestBytes } from '../client.mjs';
import { withServers } from '../servers.mjs';

const HEALTH = Buffer.from('GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
const MILLION = 1_000_000;

const many = (part, count) => Array.from({ length: count }, () => part).join(',');
const message = (more, content = 'hi') =>
  JSON.stringify({ model: 'demo', max_tokens: 9, messages: [{ role: 'user', content }], ...more });
const filled = (json) => message({ filling: 'here' }).replace('"here"', json);

/** The requests, and how many of each are sent concurrently. */
const ATTACKS = [
  { name: '10 million objects', atOnce: 1, body: () => filled(`[${many('{}', 10 * MILLION)}]`) },
  { name: 'objects up to the limit', atOnce: 4, body: () => filled(`[${many('{}', 499_000)}]`) },
  { name: 'objects in less than a megabyte', atOnce: 8, body: () => filled(`[${many('{}', 330_000)}]`) },
  {
    name: 'a wide object',
    atOnce: 4,
    body: () => filled(`{${Array.from({ length: 300_000 }, (_, at) => `"key${at}":${at}`).join(',')}}`),
  },
  { name: 'a history of 30 MB', atOnce: 1, body: () => requestBody('hi', 30 * MILLION) },
  {
    name: 'an image of 30 MB',
    atOnce: 1,
    body: () =>
      message({}, [
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0K'.repeat(3.7 * MILLION) } },
      ]),
  },
  { name: 'a prompt of 30 MB', atOnce: 1, body: () => message({}, 'word '.repeat(6 * MILLION)) },
  {
    name: 'a prompt of 30 MB of escapes',
    atOnce: 1,
    body: () => message({}, 'here').replace('here', String.raw`\u0041`.repeat(5 * MILLION)),
  },
  {
    name: 'schemas of exponential time',
    atOnce: 8,
    body: () => message({ output_config: { format: { type: 'json_schema', schema: doubling() } } }),
  },
];

function doubling() {
  const parts = Array.from({ length: 40 }, (_, at) => [
    `p${at}`,
    { allOf: [{ $ref: `#/$defs/p${at + 1}` }, { $ref: `#/$defs/p${at + 1}` }] },
  ]);
  return { $ref: '#/$defs/p0', $defs: Object.fromEntries([...parts, ['p40', {}]]) };
}

/**
 * The longest time that `/healthz` took during each attack. Beside it, what a small request to the bare server took at most while
 * that one got a history of 30 MB: what a server does that parses bodies where it answers.
 */
export function measureAttacks({ isQuick }) {
  return withServers([], async ({ bare, chiron }) => {
    const small = requestBytes(newThread(), requestBody('/stream 1 0 1'));
    const reference = await longest(bare, small, 1, requestBody('/stream 1 0 1', 30 * MILLION));
    const rows = [];
    for (const { name, atOnce, body } of ATTACKS) {
      const times = [];
      for (let round = 0; round < (isQuick ? 1 : 3); round += 1) {
        times.push(await longest(chiron, HEALTH, atOnce, Buffer.from(body())));
      }
      const value = Math.min(...times);
      rows.push({
        title: `longest wait for \`/healthz\` during ${name}`,
        unit: 'ms',
        goal: 100,
        bare: reference,
        chiron: value,
        value,
        ratio: value / reference,
        range: [value, Math.max(...times)],
        compared: 'absolute',
      });
    }
    return rows;
  });
}

async function longest(server, question, atOnce, body) {
  const sender = new Worker(new URL('../attack-sender.mjs', import.meta.url));
  const attacked = new Promise((resolve, reject) => {
    sender.once('message', resolve);
    sender.once('error', reject);
  });
  const socket = await open(server.port);
  socket.setNoDelay(true);
  sender.postMessage({ port: server.port, bytes: requestBytes(newThread(), body), atOnce });
  let slowest = 0;
  const over = attacked.then(() => true);
  for (let isOver = false; !isOver; isOver = await Promise.race([over, wait(2, false)])) {
    const begun = performance.now();
    await answerTo(socket, question);
    slowest = Math.max(slowest, performance.now() - begun);
  }
  socket.destroy();
  await sender.terminate();
  return slowest;
}

/** One answer on the connection, whatever it is; answers of one piece, or of chunks up to the last one. */
function answerTo(socket, question) {
  return new Promise((resolve, reject) => {
    let text = '';
    const read = (chunk) => {
      text += chunk.toString('latin1');
      const isWhole = /transfer-encoding: chunked/i.test(text) ? text.endsWith('0\r\n\r\n') : text.includes('\r\n\r\n');
      if (!isWhole) return;
      socket.off('data', read).off('error', reject);
      resolve();
    };
    socket.on('data', read).on('error', reject);
    socket.write(question);
  });
}
