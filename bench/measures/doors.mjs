// Processor time per event of the APIs of OpenAI, the reference being the Messages API of the same server.
import { ask, freshOpenaiRequest, freshRequest } from '../client.mjs';
import { start } from '../servers.mjs';
import { ratioRow, rounds } from '../statistics.mjs';

/** Most deltas that the demo agent emits in one iteration of the event loop. */
const BURST = 4096;

const DOORS = [
  { name: 'the Responses API', request: (prompt) => freshOpenaiRequest('/v1/responses', prompt) },
  { name: 'Chat Completions', request: (prompt) => freshOpenaiRequest('/v1/chat/completions', prompt) },
];

/** Processor time per event, live and in bursts, of each API compared to the Messages API. */
export async function measureDoors({ isQuick }) {
  const server = await start('chiron');
  try {
    const count = isQuick ? 20_000 : 60_000;
    const times = isQuick ? 5 : 9;
    const bursts = isQuick ? 8 : 24;
    const rows = [];
    for (const { name, request } of DOORS) {
      const sides = { bare: { kind: 'bare', request: freshRequest }, chiron: { kind: 'chiron', request } };
      for (const { how, events, prompts } of [
        { how: 'one event per loop turn', events: count, prompts: [`/stream ${count} 0 1`] },
        {
          how: 'a whole stream in one loop turn',
          events: bursts * BURST,
          prompts: Array.from({ length: bursts }, () => `/stream ${BURST} 0`),
        },
      ]) {
        const measure = async (side) => {
          const { cpu } = await server.cpuOf(async () => {
            for (const prompt of prompts) await ask(server.port, side.request(prompt));
          });
          return cpu / events;
        };
        // The first round compiles the server's code.
        await rounds(1, sides, measure);
        const title = `CPU per event by ${name}, compared to the Messages API: ${how}`;
        rows.push(ratioRow({ title, unit: 'µs', goal: 1.1 }, await rounds(times, sides, measure)));
      }
    }
    return rows;
  } finally {
    await server.stop();
  }
}
