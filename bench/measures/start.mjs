// Startup time, and memory after it.
import { median } from '../statistics.mjs';
import { start } from '../servers.mjs';

/** Time from the process start until the server reports that it listens, and its memory then. */
export async function measureStart({ isQuick }) {
  const times = { bare: [], chiron: [] };
  const memory = { bare: [], chiron: [] };
  // The first start fills the file cache.
  for (let round = -1; round < (isQuick ? 3 : 9); round += 1) {
    for (const kind of ['bare', 'chiron']) {
      const server = await start(kind);
      const held = server.memory();
      await server.stop();
      if (round < 0) continue;
      times[kind].push(server.startMilliseconds);
      memory[kind].push(held / 1024);
    }
  }
  return [row('start to listening', 'ms', 800, times), row('memory when listening', 'MB', 130, memory)];
}

function row(title, unit, goal, values) {
  const chiron = median(values.chiron);
  const bare = median(values.bare);
  const range = [Math.min(...values.chiron), Math.max(...values.chiron)];
  return { title, unit, goal, bare, chiron, value: chiron, compared: 'absolute', ratio: chiron / bare, range };
}
