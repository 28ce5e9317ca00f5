// Processor time per event.
import { ask, freshRequest } from '../client.mjs';
import { ratioRow, rounds } from '../statistics.mjs';
import { withServers } from '../servers.mjs';

/** Most deltas that the demo agent emits in one iteration of the event loop. */
const BURST = 4096;

/** Processor time per event, live and in bursts, and per short turn. */
export function measureEvents({ isQuick }) {
  return withServers([], async (servers) => {
    const count = isQuick ? 20_000 : 60_000;
    const times = isQuick ? 3 : 9;
    const bursts = isQuick ? 8 : 24;
    const turns = isQuick ? 100 : 300;

    const live = (server) => perEvent(server, count, () => ask(server.port, freshRequest(`/stream ${count} 0 1`)));
    const burst = (server) => perEvent(server, bursts * BURST, () => repeat(server, bursts, `/stream ${BURST} 0`));
    const turn = (server) => perEvent(server, turns, () => repeat(server, turns, '/stream 1 0'));

    const rows = [];
    for (const [row, measure] of [
      [{ title: 'CPU per event, one event per loop turn', unit: 'µs', goal: 1.5 }, live],
      [{ title: 'CPU per event, a whole stream in one loop turn', unit: 'µs', goal: 1.2 }, burst],
      [{ title: 'CPU of a whole turn of one delta, in a new thread', unit: 'µs' }, turn],
    ]) {
      // The first round compiles the servers' code.
      await rounds(1, servers, measure);
      rows.push(ratioRow(row, await rounds(times, servers, measure)));
    }
    return rows;
  });
}

async function perEvent(server, count, work) {
  const { cpu } = await server.cpuOf(work);
  return cpu / count;
}

async function repeat(server, times, prompt) {
  for (let time = 0; time < times; time += 1) await ask(server.port, freshRequest(prompt));
}
