// What a user waits for: from the request, or the start by hand, to the first request that reaches the model. The reference is the same program,
// started by hand for one prompt in the same round.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { newThread } from '../client.mjs';
import { PROGRAMS, startScriptedAgent, whyMissing } from '../scripted-agents.mjs';
import { start } from '../servers.mjs';
import { median } from '../statistics.mjs';

/** Times of the program by hand that each way may take. */
const GOALS = {
  'claude-code': { pool: 0.35, warm: 0.1, sign: 0.35, resumed: 0.95 },
  codex: { pool: 0.35, warm: 0.2, sign: 0.35, resumed: 0.95 },
};
const TITLES = {
  cold: 'a new thread, without a pool',
  pool: 'a new thread, with a pool',
  warm: 'the next turn on a warm process',
  resumed: 'the next turn of a stopped thread',
  sign: 'the same, two seconds after a sign of its caller',
  query: 'the Agent SDK: query()',
  startup: 'the Agent SDK: startup() before, then query()',
  prewarm: 'the Agent SDK: prewarm() before, then claim()',
};
const IDLE_SECONDS = 1;
/** How long a process may take to be ready, before anybody measures what it does then. */
const READY_MS = 3_000;

/** The ratios of each way to the program by hand, for each real agent. */
export async function measureFelt({ isQuick }) {
  const rows = [];
  for (const harness of Object.keys(GOALS)) {
    const skipped = whyMissing(harness);
    if (skipped !== undefined) rows.push({ title: `felt: ${harness}`, skipped });
    else rows.push(...(await measureAgent(harness, isQuick ? 3 : 9)));
  }
  return rows;
}

async function measureAgent(harness, count) {
  const agent = await startScriptedAgent(harness);
  agent.model.tool = undefined;
  const { CHIRON_MCP_SERVERS_FILE: _unused, ...settings } = agent.settings;
  const [cold, pool, idle] = [
    await start('chiron', [], settings),
    await start('chiron', [], { ...settings, CHIRON_POOL_SIZE: '1' }),
    await start('chiron', [], { ...settings, CHIRON_HARNESS_IDLE_SECONDS: String(IDLE_SECONDS) }),
  ];
  const ways =
    harness === 'claude-code' ? { ...waysOf({ cold, pool, idle }), ...sdkWays(agent) } : waysOf({ cold, pool, idle });
  const rounds = [];
  try {
    for (let round = -1; round < count; round += 1) {
      const times = { hand: await time(agent, () => runByHand(harness, agent)) };
      for (const [name, { prepare, send }] of Object.entries(ways)) {
        const prepared = await prepare(agent);
        times[name] = await time(agent, () => send(prepared));
      }
      // The first round warms up the disk.
      if (round >= 0) rounds.push(times);
    }
  } finally {
    await Promise.all([cold, pool, idle].map((server) => server.stop()));
    agent.stop();
  }
  return Object.keys(ways).map((name) => {
    const ratios = rounds.map((times) => times[name] / times.hand);
    return {
      title: `felt, ${harness}: ${TITLES[name]}`,
      unit: 'ms',
      goal: GOALS[harness][name],
      bare: median(rounds.map(({ hand }) => hand)),
      chiron: median(rounds.map((times) => times[name])),
      value: median(ratios),
      range: [Math.min(...ratios), Math.max(...ratios)],
      compared: 'ratio',
    };
  });
}

/** Milliseconds from a call to the first request that reaches the model. The call has ended when this resolves. */
async function time({ model }, call) {
  model.reached = undefined;
  const begun = performance.now();
  await call();
  if (model.reached === undefined) throw new Error('nothing has asked the model');
  return model.reached - begun;
}

function waysOf({ cold, pool, idle }) {
  const none = async () => undefined;
  const stopped = async () => {
    const thread = newThread();
    await ask(idle, thread);
    // The idle time, and the end of the process.
    await wait(1000 * IDLE_SECONDS + READY_MS);
    return thread;
  };
  const known = newThread();
  return {
    cold: { prepare: none, send: () => ask(cold, newThread()) },
    pool: { prepare: () => awaitSpare(pool), send: () => ask(pool, newThread()) },
    warm: { prepare: () => ask(cold, known), send: () => ask(cold, known) },
    resumed: { prepare: stopped, send: (thread) => ask(idle, thread) },
    sign: {
      prepare: async () => {
        const thread = await stopped();
        await post(idle, '/v1/messages/count_tokens', thread);
        await wait(1000 * IDLE_SECONDS - 100);
        return thread;
      },
      send: (thread) => ask(idle, thread),
    },
  };
}

/** Removed at the end: programs that were started ahead may still write there. */
const sdkHomes = [];
process.once('exit', () => {
  for (const home of sdkHomes) rmSync(home, { recursive: true, force: true });
});

function sdkWays({ settings }) {
  const load = () =>
    import(`${PROGRAMS['claude-code'].split('node_modules')[0]}node_modules/@anthropic-ai/claude-agent-sdk/sdk.mjs`);
  const options = () => {
    const home = mkdtempSync(join(tmpdir(), 'chiron-bench-sdk-'));
    sdkHomes.push(home);
    const { ANTHROPIC_BASE_URL, ANTHROPIC_API_KEY } = settings;
    return {
      pathToClaudeCodeExecutable: PROGRAMS['claude-code'],
      cwd: home,
      permissionMode: 'bypassPermissions',
      allowDangerouslySkipPermissions: true,
      settingSources: [],
      model: 'claude-opus-5-5',
      env: { ...agentEnvironment(home), ANTHROPIC_BASE_URL, ANTHROPIC_API_KEY },
    };
  };
  const readAll = async (messages) => {
    for await (const message of messages) if (message.type === 'result') break;
  };
  return {
    query: {
      prepare: async () => ({ sdk: await load(), options: options() }),
      send: ({ sdk, options: given }) => readAll(sdk.query({ prompt: 'hello', options: given })),
    },
    startup: {
      prepare: async () => {
        const warm = await (await load()).startup({ options: options() });
        await wait(READY_MS);
        return warm;
      },
      send: (warm) => readAll(warm.query('hello')),
    },
    prewarm: {
      prepare: async () => {
        const { cwd, model, permissionMode, ...atStart } = options();
        const spare = await (await load()).prewarm({ options: atStart });
        await wait(READY_MS);
        return { spare, claim: { cwd, model, permissionMode } };
      },
      send: ({ spare, claim }) => readAll(spare.claim({ prompt: 'hello', options: claim })),
    },
  };
}

/** The program, for one prompt, in folders of its own. */
async function runByHand(harness, { settings }) {
  const home = mkdtempSync(join(tmpdir(), 'chiron-bench-hand-'));
  mkdirSync(join(home, 'workspace'));
  // Not in the template: what Codex leaves there would count as a change of it.
  if (harness === 'codex') cpSync(settings.CHIRON_HOME_TEMPLATE, home, { recursive: true });
  const { ANTHROPIC_BASE_URL, ANTHROPIC_API_KEY } = settings;
  const [args, more] =
    harness === 'claude-code'
      ? [
          ['--print', '--permission-mode', 'bypassPermissions', '--model', 'claude-opus-5-5', 'hello'],
          { ANTHROPIC_BASE_URL, ANTHROPIC_API_KEY },
        ]
      : [
          ['exec', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox', 'hello'],
          { CODEX_HOME: join(home, '.codex') },
        ];
  const child = spawn(PROGRAMS[harness], args, {
    cwd: join(home, 'workspace'),
    env: { ...agentEnvironment(home), ...more },
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  await new Promise((resolve) => child.once('exit', resolve));
  rmSync(home, { recursive: true, force: true });
}

function agentEnvironment(home) {
  return {
    PATH: process.env.PATH,
    HOME: home,
    IS_SANDBOX: '1',
    DISABLE_AUTOUPDATER: '1',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_TELEMETRY: '1',
  };
}

/** Resolves once the server has a spare that has had time to be ready. */
async function awaitSpare(server) {
  for (;;) {
    const metrics = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
    if (/^chiron_spare_processes [1-9]/m.test(metrics)) break;
    await wait(100);
  }
  await wait(READY_MS);
}

const ask = (server, thread) => post(server, '/v1/messages', thread, { max_tokens: 100 });

async function post(server, path, thread, more = {}) {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-chiron-thread-key': thread },
    body: JSON.stringify({ model: 'default', messages: [{ role: 'user', content: `hello ${thread}` }], ...more }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(answer));
}
