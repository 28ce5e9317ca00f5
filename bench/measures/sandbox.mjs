// What a sandbox adds to the start of a program: commands of the demo agent, each a program of its own, beside the same ones without isolation.
import { performance } from 'node:perf_hooks';
import { newThread } from '../client.mjs';
import { start } from '../servers.mjs';
import { median, percentile } from '../statistics.mjs';
import { SANDBOXES } from '../../build/sandbox/kinds.js';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Milliseconds that a kind may add. */
const GOAL = 40;

/** The added time of a command, for each kind that works on this machine. */
export async function measureSandboxes({ isQuick }) {
  const count = isQuick ? 20 : 100;
  const local = await commandTimes('local', count);
  const rows = [];
  for (const kind of Object.keys(SANDBOXES).filter((name) => name !== 'local')) {
    const title = `the start of a program in ${kind}, beside one without isolation`;
    const problem = await findProblem(kind);
    if (problem !== undefined) {
      rows.push({ title, skipped: problem });
      continue;
    }
    const times = await commandTimes(kind, count);
    rows.push({
      title,
      unit: 'ms',
      goal: GOAL,
      bare: median(local),
      chiron: median(times),
      value: median(times) - median(local),
      range: [percentile(times, 0.1) - median(local), percentile(times, 0.9) - median(local)],
      compared: 'added',
    });
  }
  return rows;
}

async function findProblem(kind) {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'chiron-bench-'));
  chmodSync(dataDirectory, 0o711);
  try {
    return await SANDBOXES[kind].findProblem({ dataDirectory, workspaceTemplate: undefined, homeTemplate: undefined });
  } finally {
    rmSync(dataDirectory, { recursive: true, force: true });
  }
}

async function commandTimes(kind, count) {
  const server = await start('chiron', [], { CHIRON_SANDBOX: kind });
  try {
    const thread = newThread();
    const times = [];
    for (let round = -3; round < count; round += 1) {
      const begun = performance.now();
      await run(server, thread, `!true ${round}`);
      if (round >= 0) times.push(performance.now() - begun);
    }
    return times;
  } finally {
    await server.stop();
  }
}

async function run(server, thread, content) {
  const response = await fetch(`http://127.0.0.1:${server.port}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-chiron-thread-key': thread },
    body: JSON.stringify({ model: 'demo', max_tokens: 10, messages: [{ role: 'user', content }] }),
  });
  const answer = await response.text();
  if (!response.ok || answer.includes('"is_error":true')) throw new Error(answer);
}
