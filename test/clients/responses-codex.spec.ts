import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { startServer, type RunningServer } from '../support/running-server.js';
import { prepareCodex, useCodexHome } from './support/codex-caller.js';
import { startCuttingProxy, type CuttingProxy } from './support/cutting-proxy.js';
import { newFolder, removeFolders } from './support/folders.js';
import { isRecord, type JsonRecord, recordsOf } from './support/json.js';
import { skipReason } from './support/programs.js';
import { startRig } from './support/rig.js';

let server: RunningServer;
let proxy: CuttingProxy | undefined;

beforeAll(async () => {
  server = await startServer({ CHIRON_DEMO: 'on', CHIRON_DEFAULT_HARNESS: 'demo' });
});

afterEach(async () => {
  await proxy?.close();
  proxy = undefined;
});

afterAll(async () => {
  await server.stop();
  await removeFolders();
});

async function fetchJson(url: string): Promise<JsonRecord> {
  const body: unknown = await (await fetch(url)).json();
  return isRecord(body) ? body : {};
}

const threadId = (events: readonly JsonRecord[]): string =>
  String(events.find(({ type }) => type === 'thread.started')?.['thread_id']);

/** The stored turns of the thread of a Codex. */
async function turnsOf(events: readonly JsonRecord[]): Promise<readonly JsonRecord[]> {
  return recordsOf(
    (await fetchJson(`${server.url}/api/session/${encodeURIComponent(`api:codex:${threadId(events)}`)}`))['turns'],
  );
}

describe.skipIf(skipReason !== undefined)('codex exec', () => {
  it('gets an answer, and goes on with the same agent when it is resumed', async () => {
    const codex = await prepareCodex(server.url);
    const first = await codex.exec('hello');
    expect(first).toMatchObject({ code: 0 });
    expect(first.messages.at(-1)).toContain('You said: hello');
    const resumed = await codex.exec('resume', threadId(first.events), 'and now?');
    expect(resumed.messages.at(-1)).toContain('This is turn 2 of this thread.');
    expect(await turnsOf(first.events)).toHaveLength(2);
  });

  it('runs nothing of what the agent runs, and shows a line of it', async () => {
    const codex = await prepareCodex(server.url);
    const run = await codex.exec('!echo from the server > made.txt; ls');
    expect(run.code).toBe(0);
    expect(run.messages).toContain('shell(echo from the server > made.txt; ls)');
    expect(JSON.stringify(run.events)).not.toContain('command_execution');
    const ls = await codex.exec('resume', threadId(run.events), '!ls');
    expect(ls.code).toBe(0);
    expect(await turnsOf(run.events)).toHaveLength(2);
  });

  it('whose connection breaks in the middle of a message gets each word once, of one turn', async () => {
    proxy = await startCuttingProxy(server.url, [{ at: 'word5', inclusive: true }], '/v1/responses');
    const codex = await prepareCodex(proxy.url);
    const run = await codex.exec('/stream 10 100 1');
    expect(run.code).toBe(0);
    expect(proxy.requests).toHaveLength(2);
    const words = run.messages.join(' ').match(/word\d+/g);
    expect(words).toEqual(Array.from({ length: 10 }, (_, index) => `word${index}`));
    expect(await turnsOf(run.events)).toHaveLength(1);
  });

  it('whose connection breaks after the last item gets nothing twice, of one turn', async () => {
    proxy = await startCuttingProxy(server.url, [{ at: 'response.completed' }], '/v1/responses');
    const codex = await prepareCodex(proxy.url);
    const run = await codex.exec('hello');
    expect(run.code).toBe(0);
    expect(proxy.requests.length).toBe(2);
    expect(run.messages.filter((text) => text.includes('You said: hello'))).toHaveLength(1);
    expect(await turnsOf(run.events)).toHaveLength(1);
  });

  it.each(['overloaded', 'bad_request', 'context_too_long', 'billing'])(
    'asks once for a turn that fails as %s',
    async (kind) => {
      proxy = await startCuttingProxy(server.url, [], '/v1/responses');
      const codex = await prepareCodex(proxy.url);
      const run = await codex.exec(`/fail ${kind}`);
      expect(run.code).toBe(1);
      expect(proxy.requests).toHaveLength(1);
      expect(await turnsOf(run.events)).toHaveLength(1);
    },
  );

  it('whose server restarts in the middle of a turn gets the rest of that turn from the next server', async () => {
    const folder = await newFolder('data');
    const environment = {
      CHIRON_DEMO: 'on',
      CHIRON_DEFAULT_HARNESS: 'demo',
      CHIRON_DATA_DIR: folder,
      CHIRON_DRAIN_SECONDS: '0',
    };
    const first = await startServer(environment);
    const codex = await prepareCodex(first.url);
    const running = codex.exec('/stream 30 100 1');
    await eventually(async () => (await fetchJson(`${first.url}/api/sessions`))['sessions']).toMatchObject([
      { status: 'executing' },
    ]);
    await first.stop();
    const next = await startServer({ ...environment, PORT: new URL(first.url).port });
    try {
      const { code, messages } = await running;
      expect(code).toBe(0);
      expect(messages.at(-1)).toContain('word29');
      const sessions = recordsOf((await fetchJson(`${next.url}/api/sessions`))['sessions']);
      const key = String(sessions[0]?.['thread_key']);
      expect(recordsOf((await fetchJson(`${next.url}/api/session/${encodeURIComponent(key)}`))['turns'])).toHaveLength(
        1,
      );
    } finally {
      await next.stop();
    }
  });

  it('starts one turn for a failure that it repeats', async () => {
    proxy = await startCuttingProxy(server.url, [], '/v1/responses');
    const codex = await prepareCodex(proxy.url);
    const run = await codex.exec('/fail internal');
    expect(run.code).toBe(1);
    expect(proxy.requests.length).toBeGreaterThan(1);
    expect(await turnsOf(run.events)).toHaveLength(1);
  });

  it('is told of an unknown model at once, by a message of ours', async () => {
    proxy = await startCuttingProxy(server.url, [], '/v1/responses');
    const codex = await prepareCodex(proxy.url, 'model = "codex/nothing"\nmodel_provider = "chiron"');
    const run = await codex.exec('hello');
    expect(run.code).toBe(1);
    expect(JSON.stringify(run.events)).toContain('is not available here');
    expect(proxy.requests).toHaveLength(1);
  });

  it('as its own provider goes on with HTTP at once when its WebSocket is refused', async () => {
    const codex = await prepareCodex(server.url, `model = "demo"\nopenai_base_url = "${server.url}/v1"`);
    const startedAt = Date.now();
    const run = await codex.exec('hello');
    expect(run.messages.at(-1)).toContain('You said: hello');
    expect(Date.now() - startedAt).toBeLessThan(15_000);
  });
});

describe.skipIf(skipReason !== undefined)('the configuration from /codex/config', () => {
  it('is one line to paste, and Codex knows its models', async () => {
    const home = join(await newFolder('codex-user'), 'chiron');
    const script = await (await fetch(`${server.url}/codex/config?model=demo`)).text();
    execFileSync('sh', ['-c', script], { env: { ...process.env, CHIRON_CODEX_HOME: home } });
    const codex = await useCodexHome(home);
    const run = await codex.exec('hello');
    expect(run.messages.at(-1)).toContain('You said: hello');
    expect(run.stderr + JSON.stringify(run.events)).not.toMatch(/metadata for .* not found/i);
  });

  it('hands a thread over: to Codex by a variable', async () => {
    const home = join(await newFolder('codex-user'), 'chiron');
    const script = await (await fetch(`${server.url}/codex/config?model=demo`)).text();
    execFileSync('sh', ['-c', script], { env: { ...process.env, CHIRON_CODEX_HOME: home } });
    await fetch(`${server.url}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-chiron-thread-key': 'test:handed' },
      body: JSON.stringify({ model: 'demo', max_tokens: 99, messages: [{ role: 'user', content: 'one' }] }),
    });
    const codex = await useCodexHome(home, { CHIRON_THREAD: 'test:handed' });
    const run = await codex.exec('and now?');
    expect(run.messages.at(-1)).toContain('This is turn 2 of this thread.');
  });
});

describe.skipIf(skipReason !== undefined)('codex exec with Claude Code as the agent', () => {
  it('shows its answer and a line for each of its tools, and goes on with it', async () => {
    const rig = await startRig('claude-code');
    try {
      const codex = await prepareCodex(rig.server.url, 'model = "claude-code"\nmodel_provider = "chiron"');
      const first = await codex.exec('SCENE:steps true && true');
      expect(first.code).toBe(0);
      expect(first.messages).toContain('Bash(true)');
      const next = await codex.exec('resume', threadId(first.events), 'SCENE:text A heron stood there');
      expect(next.messages).toEqual(['A heron stood there']);
    } finally {
      await rig.close();
    }
  });
});
