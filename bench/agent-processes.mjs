// How long real agents take to start, and how much memory their processes take: `node bench/agent-processes.mjs [<agent> …]`, after
// `npm install --prefix test/agents --ignore-scripts`. Each starts in a fresh home, in front of a scripted model.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import '../test/support/typescript-imports.mjs';

const { AGENTS } = await import('../test/agents/support/agents.ts');
const ARGUMENTS = { opencode: ['acp'], copilot: ['--acp'], qwen: ['--acp'], gemini: ['--acp'], kimi: ['acp'] };

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(ARGUMENTS);
for (const name of names) console.log(JSON.stringify(await measure(AGENTS[name])));

/** Times in milliseconds since the spawn, memory in megabytes of all processes together. */
async function measure(agent) {
  const model = await agent.startModel();
  const home = mkdtempSync(join(tmpdir(), 'chiron-bench-home-'));
  const cwd = join(home, 'workspace');
  mkdirSync(cwd);
  for (const [path, content] of Object.entries(agent.home())) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), JSON.stringify(content));
  }
  const load = loadavg()[0];
  const startedAt = performance.now();
  const program = agent.needsOwnNode ? [process.execPath, agent.command] : [agent.command];
  const child = spawn(program[0], [...program.slice(1), ...ARGUMENTS[agent.name]], {
    cwd,
    detached: true,
    env: { PATH: process.env.PATH, HOME: home, TMPDIR: home, ...agent.variables(model.url) },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const { pid = 0 } = child;
  const call = caller(child);
  await call('initialize', { protocolVersion: 1, clientCapabilities: {} });
  const initializedMs = Math.round(performance.now() - startedAt);
  const { sessionId } = await call('session/new', { cwd, mcpServers: [] });
  const openedMs = Math.round(performance.now() - startedAt);
  await delay(2000);
  const idle = memoryOf(pid);
  await call('session/prompt', { sessionId, prompt: [{ type: 'text', text: 'SCENE:text hello' }] });
  await delay(1000);
  const after = memoryOf(pid);
  process.kill(-pid, 'SIGKILL');
  await model.close();
  await delay(500);
  rmSync(home, { recursive: true, force: true });
  return { agent: agent.name, load, initializedMs, openedMs, idle, afterOneTurn: after };
}

/** Sends requests to an agent, and resolves with their results. */
function caller(child) {
  const waiting = new Map();
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      if (!line.startsWith('{')) continue;
      const { id, method, result } = JSON.parse(line);
      if (method === undefined) waiting.get(id)?.(result);
    }
  });
  return (method, params) =>
    new Promise((resolve) => {
      const id = waiting.size + 1;
      waiting.set(id, resolve);
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    });
}

/** The resident memory of a process group, and how many processes it has. */
function memoryOf(group) {
  const found = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
        if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]) !== group) return [];
        return [Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0)];
      } catch {
        // It has ended meanwhile.
        return [];
      }
    });
  return {
    megabytes: Math.round(found.reduce((sum, kilobytes) => sum + kilobytes, 0) / 1024),
    processes: found.length,
  };
}
