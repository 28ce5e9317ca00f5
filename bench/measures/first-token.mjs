// How long a caller waits for the first token of an agent that answers at once.
import { setTimeout as wait } from 'node:timers/promises';
import { exchange, newThread, open, requestBody, requestBytes } from '../client.mjs';
import { median, percentile, rounds } from '../statistics.mjs';
import { withServers } from '../servers.mjs';

let asked = 0;

/** Times to the first token, in milliseconds: turns of one thread one after the other, or each in a new thread. */
export async function firstTokens(server, count, pause, isNewThread = false) {
  const socket = await open(server.port);
  const thread = newThread();
  const times = [];
  // The thread's first turn makes its folders.
  for (let turn = -1; turn < count; turn += 1) {
    asked += 1;
    const body = requestBody(`/stream 3 0 3 ${asked}`);
    const answer = await exchange(socket, requestBytes(isNewThread ? newThread() : thread, body)).done;
    if (turn >= 0) times.push(answer.firstToken);
    await wait(pause);
  }
  socket.destroy();
  return times;
}

/** The rows of p50 and p99 over all rounds, of the time that Chiron adds. */
export function addedRows(title, [goal50, goal99], results) {
  return [
    ['p50', 0.5, goal50],
    ['p99', 0.99, goal99],
  ].map(([name, share, goal]) => {
    const added = results.map(({ bare, chiron }) => percentile(chiron, share) - percentile(bare, share));
    return {
      title: `${title}, ${name}`,
      unit: 'ms',
      goal,
      bare: median(results.map(({ bare }) => percentile(bare, share))),
      chiron: median(results.map(({ chiron }) => percentile(chiron, share))),
      value: median(added),
      range: [Math.min(...added), Math.max(...added)],
      compared: 'added',
    };
  });
}

/** Added time to the first token on an idle server. */
export function measureFirstToken({ isQuick }) {
  return withServers([], async (servers) => {
    const count = isQuick ? 100 : 300;
    const times = isQuick ? 2 : 5;
    await rounds(1, servers, (server) => firstTokens(server, 200, 0));
    const known = await rounds(times, servers, (server) => firstTokens(server, count, 3));
    const fresh = await rounds(times, servers, (server) => firstTokens(server, count, 3, true));
    return [
      ...addedRows('added time to first token, idle', [0.5, 3], known),
      ...addedRows('the same, in a new thread', [undefined, undefined], fresh),
    ];
  });
}
