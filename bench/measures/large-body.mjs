// The cost of a long history, for its own request and for other callers.
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { exchange, freshRequest, newThread, open, requestBody, requestBytes } from '../client.mjs';
import { ratioRow, rounds } from '../statistics.mjs';
import { withServers } from '../servers.mjs';

const MEGABYTE = 1_000_000;
/** Streams that are watched while the large body arrives, and their interval in milliseconds. */
const WATCHED = 5;
const INTERVAL = 2;

let asked = 0;

/** Time to the first byte for bodies of 1 and 8 MB, and the longest silence of other streams meanwhile. */
export function measureLargeBodies({ isQuick }) {
  return withServers([], async (servers) => {
    const rows = [];
    for (const [megabytes, count] of [
      [1, isQuick ? 10 : 40],
      [8, isQuick ? 5 : 20],
    ]) {
      await rounds(3, servers, (server) => firstByte(server, megabytes));
      const row = { title: `first byte for a ${megabytes} MB body`, unit: 'ms', goal: 1.3 };
      rows.push(ratioRow(row, await rounds(count, servers, (server) => firstByte(server, megabytes))));
    }
    const sender = new Worker(new URL('../large-body-sender.mjs', import.meta.url));
    try {
      const row = { title: 'worst stall of other streams during an 8 MB body', unit: 'ms', goal: 1 };
      await rounds(1, servers, (server) => stall(server, sender));
      rows.push(ratioRow(row, await rounds(isQuick ? 3 : 9, servers, (server) => stall(server, sender))));
    } finally {
      await sender.terminate();
    }
    return rows;
  });
}

function largeRequest(megabytes) {
  asked += 1;
  return requestBytes(newThread(), requestBody(`/stream 3 0 3 ${asked}`, megabytes * MEGABYTE));
}

async function firstByte(server, megabytes) {
  const bytes = largeRequest(megabytes);
  const socket = await open(server.port);
  await wait(20);
  const { firstByte: time } = await exchange(socket, bytes).done;
  socket.destroy();
  await wait(20);
  return time;
}

async function stall(server, sender) {
  // Before anything is watched: this thread needs longer for it than a server stalls.
  const bytes = largeRequest(8);
  sender.postMessage({ bytes }, [bytes.buffer]);
  const watching = [];
  const sockets = [];
  let longest = 0;
  for (let index = 0; index < WATCHED; index += 1) {
    const socket = await open(server.port);
    sockets.push(socket);
    let last = Infinity;
    const { begun, done } = exchange(socket, freshRequest(`/stream 1000 ${INTERVAL}`), (_, now) => {
      longest = Math.max(longest, now - last);
      last = now;
    });
    await begun;
    watching.push(done);
  }
  await wait(300);
  const answered = once(sender, 'message');
  longest = 0;
  sender.postMessage({ port: server.port });
  await answered;
  await wait(50);
  const result = longest;
  await Promise.all(watching);
  for (const socket of sockets) socket.destroy();
  return result;
}
