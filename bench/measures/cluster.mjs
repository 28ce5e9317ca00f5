// The cost of several servers: turns, and the first event of a new thread, on one server with SQLite, one with PostgreSQL, and two gateways
// with two workers; and how much later an event comes through a server that does not run the turn. Needs a PostgreSQL; CHIRON_BENCH_DATABASE_URL names another one than the default.
import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { ask, exchange, freshRequest, newThread, open, requestBody, requestBytes } from '../client.mjs';
import { median, percentile } from '../statistics.mjs';
import { start } from '../servers.mjs';

const ADMIN_URL = process.env.CHIRON_BENCH_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** Turns and latencies on each form of deployment; SQLite is the reference. */
export async function measureCluster({ isQuick }) {
  const admin = new pg.Client(ADMIN_URL);
  try {
    await admin.connect();
  } catch (error) {
    return [{ title: 'several servers', skipped: `no PostgreSQL answers: ${error.message}` }];
  }
  try {
    const measure = (ports) => measureTurns(ports, isQuick);
    const sqlite = await withServers(undefined, ['all'], measure);
    const alone = await onDatabase(admin, ['all'], measure);
    const several = await onDatabase(admin, ['gateway', 'gateway', 'worker', 'worker'], measure);
    const events = await onDatabase(admin, ['all', 'all'], (ports) => measureEvents(ports, isQuick));
    return [
      ...toRows('one server on PostgreSQL, compared to one on SQLite', sqlite, alone),
      ...toRows('2 gateways and 2 workers, compared to one server on PostgreSQL', alone, several),
      {
        title: 'an event through another server than the one that runs the turn, p99, at 20 streams of 50 events/s',
        unit: 'ms',
        bare: 0,
        chiron: events.added,
        compared: 'added',
        value: events.added,
        goal: 10,
        note: `median ${events.median.toFixed(1)} ms`,
      },
    ];
  } finally {
    await admin.end();
  }
}

function toRows(title, reference, measured) {
  const row = (what, name, more = {}) => ({
    title: `${title}: ${what}`,
    unit: 'ms',
    bare: reference[name],
    chiron: measured[name],
    value: measured[name] / reference[name],
    compared: 'ratio',
    ...more,
  });
  const { statements, rows } = measured.store;
  return [
    row('a turn, one after the other, median', 'turn'),
    row('first event of a turn on a new thread, p99 (placing)', 'firstP99', {
      compared: 'added',
      value: measured.firstP99 - reference.firstP99,
      goal: 50,
    }),
    row('200 turns at once on 1,000 threads, in all', 'crowd', {
      note: `per turn ${statements.toFixed(1)} transactions, ${rows.toFixed(1)} rows written`,
    }),
  ];
}

async function onDatabase(admin, roles, measure) {
  const name = `chiron_bench_${randomUUID().replaceAll('-', '')}`;
  await admin.query(`create database ${name}`);
  try {
    const url = new URL(ADMIN_URL);
    url.pathname = `/${name}`;
    return await withServers(url.href, roles, async (doors) => {
      await wait(2500);
      const before = await countStore(admin, name);
      const measured = await measure(doors);
      const after = await countStore(admin, name);
      const store = {
        statements: (after.commits - before.commits) / measured.turns,
        rows: (after.rows - before.rows) / measured.turns,
      };
      return { ...measured, store };
    });
  } finally {
    await admin.query(`drop database ${name} with (force)`);
  }
}

/** Transactions and written rows of a database. PostgreSQL publishes them a second late. */
async function countStore(admin, name) {
  await wait(1500);
  const { rows } = await admin.query(
    `select xact_commit::float8 as commits, (tup_inserted + tup_updated + tup_deleted)::float8 as rows
      from pg_stat_database where datname = $1`,
    [name],
  );
  return rows[0];
}

async function withServers(databaseUrl, roles, measure) {
  const servers = [];
  try {
    for (const role of roles) {
      const settings = databaseUrl === undefined ? {} : { CHIRON_DATABASE_URL: databaseUrl, CHIRON_ROLE: role };
      servers.push(await start('chiron', [], settings));
    }
    return await measure(servers.filter((_, index) => roles[index] !== 'worker').map(({ port }) => port));
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function measureTurns(ports, isQuick) {
  const door = (index) => ports[index % ports.length];
  const one = isQuick ? 30 : 200;
  const crowd = isQuick ? 200 : 1000;
  for (let index = 0; index < 10; index += 1) await turn(door(index), '/stream 1 0');
  const turns = [];
  for (let index = 0; index < one; index += 1) turns.push(await turn(door(index), '/stream 1 0'));
  const begun = performance.now();
  let next = 0;
  const drive = async () => {
    while (next < crowd) await turn(door(next++), '/stream 20 10');
  };
  await Promise.all(Array.from({ length: 200 }, drive));
  return {
    turn: median(turns.map(({ total }) => total)),
    firstP99: percentile(
      turns.map(({ first }) => first),
      0.99,
    ),
    crowd: performance.now() - begun,
    turns: 10 + one + crowd,
  };
}

const STREAMS = 20;
const WORDS = 50;

/** How much later an event comes through the other of two servers than through the one that runs its turn, in milliseconds. */
async function measureEvents([here, there], isQuick) {
  const delays = [];
  // The first round warms up both servers.
  for (let round = -1; round < (isQuick ? 1 : 5); round += 1) {
    const pairs = await Promise.all(
      Array.from({ length: STREAMS }, async () => {
        const bytes = requestBytes(newThread(), requestBody(`/stream ${WORDS} 20`));
        const first = readWords(here, bytes);
        // The same request: it attaches.
        await wait(200);
        return Promise.all([first, readWords(there, bytes)]);
      }),
    );
    if (round < 0) continue;
    for (const [one, other] of pairs) {
      // Without those that it replays.
      for (let word = WORDS / 2; word < WORDS; word += 1) delays.push(other[word] - one[word]);
    }
  }
  return { added: percentile(delays, 0.99), median: median(delays), turns: delays.length };
}

/** When each word of a stream came. */
async function readWords(port, bytes) {
  const socket = await open(port);
  const times = [];
  try {
    await exchange(socket, bytes, (chunk, now) => {
      for (const [, index] of chunk.toString('latin1').matchAll(/"word(\d+) "/g)) times[Number(index)] ??= now;
    }).done;
  } finally {
    socket.destroy();
  }
  return times;
}

/** One turn of a new thread: when its first word came, and its end, in milliseconds. */
async function turn(port, prompt) {
  const begun = performance.now();
  const { firstToken } = await ask(port, freshRequest(prompt));
  return { first: firstToken, total: performance.now() - begun };
}
