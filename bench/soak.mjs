// Mixed load over a long time, with callers that disconnect: the server must not leak memory, descriptors or processes.
//
//   npm run soak                      ten minutes; writes docs/performance.md
//   npm run soak -- --minutes=1       shorter; writes nothing
//   npm run soak -- --seed=42         the same choices again
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { exchange, newThread, open, requestBody, requestBytes } from './client.mjs';
import { COLLECTABLE, start } from './servers.mjs';

const CALLERS = 60;
const WARM_UP_SECONDS = 30;
/** Normal variation of memory from garbage collection and SQLite's cache, as a share of the initial memory. */
const NOISE = 0.1;

const PAGE = new URL('../docs/performance.md', import.meta.url);
const BEGIN = '<!-- soak: written by npm run soak -->';
const END = '<!-- end of soak -->';

const options = new Map(process.argv.slice(2).map((argument) => argument.replace(/^--/, '').split('=')));
const minutes = Number(options.get('minutes') ?? 10);
const seed = Number(options.get('seed') ?? Date.now() % 1_000_000);
const random = generator(seed);
const done = new Map();

/** The scenarios of callers, with their weights. Each one resolves even if its request fails. */
const ACTS = [
  [4, 'reads an answer to its end', (port) => ask(port, newThread(), `/stream ${count(20, 200)} ${count(1, 20)}`)],
  [2, 'reads an answer that does not stream', (port) => ask(port, newThread(), 'hello', { stream: false })],
  [3, 'leaves in the middle', (port) => leave(port, newThread(), `/stream ${count(50, 300)} 10`)],
  [3, 'leaves and comes back', leaveAndReturn],
  [2, 'has a command run', (port) => ask(port, newThread(), '!echo hi; sleep 0.2; ls')],
  [1, 'leaves a command alone', (port) => leave(port, newThread(), '!sleep 2 & echo started; sleep 1')],
  [2, 'goes on with its thread', conversation],
  [1, 'has its turn cancelled', cancelled],
  [1, 'gets a failure', (port) => ask(port, newThread(), '/fail overloaded')],
  [
    1,
    'sends nonsense',
    (port) => raw(port, 'POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1\r\n\r\n{'),
  ],
  [1, 'does not read for a while', lazy],
];
const WEIGHT = ACTS.reduce((sum, [weight]) => sum + weight, 0);

const server = await start('chiron', COLLECTABLE);
try {
  process.stderr.write(`seed ${seed}\n`);
  await load(WARM_UP_SECONDS * 1000);
  const before = await snapshot();
  process.stderr.write(`before ${JSON.stringify(before)}\n`);
  done.clear();
  await load(minutes * 60_000);
  const after = await snapshot();
  process.stderr.write(`after  ${JSON.stringify(after)}\n`);
  const text = report(before, after);
  process.stdout.write(`${text}\n`);
  if (minutes >= 10) write(text);
  process.exitCode = same(before, after) ? 0 : 1;
} finally {
  await server.stop();
}

async function load(milliseconds) {
  const end = performance.now() + milliseconds;
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      while (performance.now() < end) {
        const [, name, act] = pick();
        await act(server.port).catch(() => undefined);
        done.set(name, (done.get(name) ?? 0) + 1);
        await wait(count(0, 200));
      }
    }),
  );
}

/** The resources of the idle server. */
async function snapshot() {
  const store = new DatabaseSync(join(server.folder, 'chiron.sqlite'), { readOnly: true });
  const open$ = store.prepare("select count(*) as n from turns where state in ('queued', 'running')");
  for (let waited = 0; open$.get().n > 0 && waited < 120; waited += 1) await wait(500);
  const turns = open$.get().n;
  store.close();
  // Idle connections of callers that left are closed by Node after five seconds.
  await wait(6000);
  await server.collect();
  return { memory: server.memory(), files: files(), processes: descendants(server.child.pid), turns };
}

function files() {
  return readdirSync(`/proc/${server.child.pid}/fd`).length;
}

/** All descendant processes of the server. */
function descendants(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return children.reduce((sum, child) => sum + 1 + descendants(child), 0);
}

function same(before, after) {
  return (
    after.turns === 0 &&
    after.processes <= before.processes &&
    Math.abs(after.files - before.files) <= 2 &&
    after.memory <= before.memory * (1 + NOISE)
  );
}

function report(before, after) {
  const acts = [...done]
    .toSorted(([one], [other]) => one.localeCompare(other))
    .map(([name, times]) => `| ${name} | ${times} |`);
  return [
    `${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}: ${minutes} minutes, ${CALLERS} callers at a time, seed ${seed}. ${same(before, after) ? 'Nothing was left over.' : '**Something was left over.**'}`,
    '',
    '| | before | after |',
    '| --- | ---: | ---: |',
    `| memory, kB | ${before.memory} | ${after.memory} |`,
    `| open files | ${before.files} | ${after.files} |`,
    `| processes | ${before.processes} | ${after.processes} |`,
    `| open turns | ${before.turns} | ${after.turns} |`,
    '',
    '| what a caller did | times |',
    '| --- | ---: |',
    ...acts,
  ].join('\n');
}

function write(text) {
  const page = readFileSync(PAGE, 'utf8');
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin === -1 || end < begin) throw new Error('docs/performance.md has lost its soak markers');
  writeFileSync(PAGE, `${page.slice(0, begin)}${BEGIN}\n\n${text}\n\n${page.slice(end)}`);
}

function bytesOf(thread, prompt, { stream = true } = {}) {
  const body = requestBody(prompt);
  if (stream) return requestBytes(thread, body);
  return requestBytes(thread, Buffer.from(JSON.stringify({ ...JSON.parse(body.toString()), stream: false })));
}

async function ask(port, thread, prompt, how) {
  const socket = await open(port);
  try {
    await exchanged(socket, bytesOf(thread, prompt, how)).done;
  } finally {
    socket.destroy();
  }
}

/** An exchange that reports its failure in one place only. */
function exchanged(socket, bytes, onData) {
  const both = exchange(socket, bytes, onData);
  both.begun.catch(() => undefined);
  both.done.catch(() => undefined);
  return both;
}

/** Sends a request and disconnects a little later. */
async function leave(port, thread, prompt) {
  const socket = await open(port);
  socket.on('error', () => undefined);
  socket.write(bytesOf(thread, prompt));
  await wait(count(0, 400));
  socket.destroy();
}

async function leaveAndReturn(port) {
  const thread = newThread();
  const prompt = `/stream ${count(50, 200)} 10`;
  await leave(port, thread, prompt);
  await wait(count(0, 300));
  await ask(port, thread, prompt);
}

async function conversation(port) {
  const thread = newThread();
  for (let turn = 0; turn < 3; turn += 1) await ask(port, thread, `turn ${turn}`);
}

async function cancelled(port) {
  const socket = await open(port);
  try {
    let seen = '';
    const { begun, done: over } = exchanged(socket, bytesOf(newThread(), '/sleep 60'), (chunk) => (seen += chunk));
    await begun;
    const id = /"id":"(msg_[0-9a-f]+)"/.exec(seen)?.[1];
    await cancel(port, id);
    await over;
  } finally {
    socket.destroy();
  }
}

async function cancel(port, messageId) {
  const socket = await open(port);
  try {
    const head = `POST /v1/messages/${messageId}/cancel HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n`;
    socket.write(head);
    await once(socket, 'data');
  } finally {
    socket.destroy();
  }
}

async function lazy(port) {
  const socket = await open(port);
  socket.on('error', () => undefined);
  socket.pause();
  socket.write(bytesOf(newThread(), '/stream 100000 0'));
  await wait(count(500, 2000));
  socket.destroy();
}

async function raw(port, text) {
  const socket = await open(port);
  socket.on('error', () => undefined);
  socket.write(text);
  await wait(100);
  socket.destroy();
}

function pick() {
  let left = random() * WEIGHT;
  return ACTS.find(([weight]) => (left -= weight) < 0) ?? ACTS[0];
}

function count(least, most) {
  return least + Math.floor(random() * (most - least + 1));
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function generator(from) {
  let state = from;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
