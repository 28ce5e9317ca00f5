// Many streams at a model's pace, and the time to the first token of a new turn beside them.
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { exchange, freshRequest, open } from '../client.mjs';
import { start } from '../servers.mjs';
import { median, ratioRow } from '../statistics.mjs';
import { addedRows, firstTokens } from './first-token.mjs';

const STREAMS = 500;
const INTERVAL = 50;
/** One delta of two or three digits in a chunk of its own. */
const BYTES_PER_EVENT = 127.5;

/** Processor time per event and added time to the first token at 500 streams of 20 events a second. */
export async function measurePaced({ isQuick }) {
  const seconds = isQuick ? 2 : 5;
  const probes = isQuick ? 50 : 200;
  const results = [];
  for (let index = 0; index < (isQuick ? 2 : 5); index += 1) {
    const result = {};
    for (const kind of index % 2 === 0 ? ['bare', 'chiron'] : ['chiron', 'bare']) {
      result[kind] = await round(kind, seconds, probes);
    }
    results.push(result);
  }
  const cpu = ratioRow(
    { title: `CPU per event at ${STREAMS} streams of ${1000 / INTERVAL} events/s`, unit: 'µs', goal: 2 },
    results.map(({ bare, chiron }) => ({ bare: bare.perEvent, chiron: chiron.perEvent })),
  );
  const pace = (kind) => `${Math.round(100 * median(results.map((result) => result[kind].pace)))} %`;
  return [
    { ...cpu, note: `of the pace kept: bare ${pace('bare')}, Chiron ${pace('chiron')}` },
    ...addedRows(
      `added time to first token at ${STREAMS} streams`,
      [1, 5],
      results.map(({ bare, chiron }) => ({ bare: bare.tokens, chiron: chiron.tokens })),
    ),
  ];
}

/** One server's results. Each measurement has a new server, because Chiron's turns keep running when callers disconnect. */
async function round(kind, seconds, probes) {
  const server = await start(kind);
  const sockets = [];
  const cut = [];
  let bytes = 0;
  const onData = (chunk) => {
    bytes += chunk.length;
  };
  try {
    await firstTokens(server, 50, 0);
    const begins = [];
    for (let index = 0; index < STREAMS; index += 1) {
      const socket = await open(server.port);
      sockets.push(socket);
      const { begun, done } = exchange(socket, freshRequest(`/stream 100000 ${INTERVAL}`), onData);
      begins.push(begun);
      // Every stream is closed before its end.
      cut.push(done.catch(() => undefined));
      // Spread over the interval, so that not all streams emit at once.
      if (index % 10 === 9) await wait(1);
    }
    await Promise.all(begins);
    await wait(2000);
    const begun = performance.now();
    const bytesBefore = bytes;
    const cpuBefore = server.cpu();
    await wait(seconds * 1000);
    const cpu = server.cpu() - cpuBefore;
    const events = (bytes - bytesBefore) / BYTES_PER_EVENT;
    const pace = events / ((STREAMS * (performance.now() - begun)) / INTERVAL);
    return { perEvent: cpu / events, pace, tokens: await firstTokens(server, probes, 10) };
  } finally {
    for (const socket of sockets) socket.destroy();
    await Promise.all(cut);
    await server.stop();
  }
}
