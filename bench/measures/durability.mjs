// The cost of storing every event.
import { ask, exchange, freshRequest, open } from '../client.mjs';
import { ratioRow, rounds } from '../statistics.mjs';
import { start } from '../servers.mjs';

const WITHOUT_LOG = ['--import', new URL('../without-log.mjs', import.meta.url).href];
/** An hour: no event is flushed before the end of its turn. */
const NO_FLUSH = { CHIRON_EVENT_FLUSH_MILLISECONDS: '3600000' };
const STREAMS = 100;

/** Processor time per event with the event log, the reference being the same server without it. */
export async function measureDurability({ isQuick }) {
  const off = await start('chiron', WITHOUT_LOG, NO_FLUSH);
  try {
    const on = await start('chiron');
    try {
      off.kind = 'bare';
      const count = isQuick ? 20_000 : 60_000;
      const times = isQuick ? 3 : 9;
      const live = (server) => perEvent(server, count, () => ask(server.port, freshRequest(`/stream ${count} 0 1`)));
      const paced = (server) => perEvent(server, STREAMS * 60, () => together(server, '/stream 60 50'));
      const rows = [];
      for (const [title, measure] of [
        ['CPU per event with the event log, compared to the same server without it: one busy stream', live],
        [`the same, ${STREAMS} streams of 20 events/s`, paced],
      ]) {
        await rounds(1, { bare: off, chiron: on }, measure);
        const results = await rounds(times, { bare: off, chiron: on }, measure);
        rows.push(ratioRow({ title, unit: 'µs', goal: 1.25 }, results));
      }
      return rows;
    } finally {
      await on.stop();
    }
  } finally {
    await off.stop();
  }
}

async function perEvent(server, count, work) {
  const { cpu } = await server.cpuOf(work);
  return cpu / count;
}

async function together(server, prompt) {
  await Promise.all(
    Array.from({ length: STREAMS }, async () => {
      const socket = await open(server.port);
      await exchange(socket, freshRequest(prompt)).done;
      socket.destroy();
    }),
  );
}
