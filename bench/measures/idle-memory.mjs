// Memory per open, silent stream.
import { readFileSync } from 'node:fs';
import { exchange, freshRequest, open } from '../client.mjs';
import { COLLECTABLE, start } from '../servers.mjs';

/** Descriptors that a server needs besides its streams. */
const SPARE = 200;
/** Streams that are opened at the same time. */
const AT_ONCE = 20;

/** Memory per open idle stream, at 2,000 and, where the system allows so many descriptors, at 10,000. */
export async function measureIdleMemory({ isQuick }) {
  const limit = Number(/^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 1024);
  const rows = [];
  for (const [count, goal] of isQuick
    ? [[1000, 35]]
    : [
        [2000, 35],
        [10_000, 30],
      ]) {
    const title = `memory per open idle stream at ${count.toLocaleString('en')}`;
    if (limit < count + SPARE) {
      rows.push({ title, unit: 'kB', skipped: `the system allows ${limit} open files` });
      continue;
    }
    const bare = await perStream('bare', count);
    const chiron = await perStream('chiron', count);
    rows.push({ title, unit: 'kB', goal, bare, chiron, value: chiron, compared: 'absolute', ratio: chiron / bare });
  }
  return rows;
}

async function perStream(kind, count) {
  const server = await start(kind, COLLECTABLE);
  const sockets = [];
  const ends = [];
  const more = async (number) => {
    for (let index = 0; index < number; index += 1) {
      const socket = await open(server.port);
      sockets.push(socket);
      const { begun, done } = exchange(socket, freshRequest('/sleep 3000'));
      // Stopping the server cuts them off.
      ends.push(done.catch(() => undefined));
      await begun;
    }
  };
  try {
    // The first streams also allocate shared code and buffers.
    await Promise.all(Array.from({ length: AT_ONCE }, () => more(5)));
    await server.collect();
    const before = server.memory();
    await Promise.all(Array.from({ length: AT_ONCE }, () => more(count / AT_ONCE)));
    await server.collect();
    return (server.memory() - before) / count;
  } finally {
    for (const socket of sockets) socket.destroy();
    await Promise.all(ends);
    await server.stop();
  }
}
