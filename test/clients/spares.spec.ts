import { appendFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { signalProcess } from '../../src/sandbox/host/sweep.js';
import { newFolder, removeFolders } from './support/folders.js';
import { killThreadProcesses, threadProcesses } from './support/processes.js';
import { skipReason } from './support/programs.js';
import { type RealHarness, type Rig, startRig } from './support/rig.js';

const HARNESSES: readonly RealHarness[] = ['claude-code', 'codex'];
/** How long a spare may take to be ready on a busy machine. */
const READY = { timeout: 30_000 };

let rig: Rig;

afterEach(() => rig.close());
afterAll(removeFolders);

async function spareCount({ server }: Rig): Promise<number> {
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  return Number(/^chiron_spare_processes (\d+)$/m.exec(metrics)?.[1]);
}

/** Starts a server, and resolves once it has so many spares. */
async function startWithSpares(harness: RealHarness, size: number, more: Record<string, string> = {}): Promise<void> {
  rig = await startRig(harness, { CHIRON_POOL_SIZE: String(size), ...more });
  await expect.poll(() => spareCount(rig), READY).toBe(size);
}

interface Asked {
  readonly status: number;
  readonly text: string;
}

/** Sends one message to a new thread, or the next one. */
async function ask(key: string, prompt: string, more: object = {}): Promise<Asked> {
  const response = await fetch(`${rig.server.url}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-chiron-thread-key': `spares:${key}` },
    body: JSON.stringify({
      model: 'default',
      max_tokens: 1000,
      messages: [{ role: 'user', content: prompt }],
      ...more,
    }),
  });
  return { status: response.status, text: JSON.stringify(await response.json()) };
}

const processes = () => threadProcesses(rig.server.dataDirectory);
const folders = () => readdir(join(rig.server.dataDirectory, 'threads'));
const filesOf = (folder = '') => readdir(join(rig.server.dataDirectory, 'threads', folder, 'workspace'));

describe.skipIf(skipReason !== undefined).each(HARNESSES)('A spare process of %s', (harness) => {
  it('serves the next new thread, in folders that were there before', async () => {
    await startWithSpares(harness, 1);
    const [before, [folder]] = [await processes(), await folders()];
    const { status, text } = await ask('first', 'SCENE:tool touch mark; echo "key $CENTAUR_THREAD_KEY"', {
      system: 'Speak in rhymes.',
    });
    expect(status, text).toBe(200);
    expect(text).toContain('key spares:first');
    expect(await filesOf(folder)).toContain('mark');
    expect(rig.model.requests[0]?.system).toContain('Speak in rhymes.');
    const after = new Set(await processes());
    expect(before.filter((pid) => after.has(pid))).not.toEqual([]);
    // The thread goes on as any other.
    expect((await ask('first', 'SCENE:text again')).text).toContain('again');
  });

  it('is there for the default agent if no setting says how many there are', async () => {
    rig = await startRig(harness, { CHIRON_POOL_SIZE: 'auto', CHIRON_DEFAULT_HARNESS: harness });
    await expect.poll(() => spareCount(rig), { timeout: 20_000 }).toBe(1);
    expect((await ask('auto', 'SCENE:text yes')).text).toContain('yes');
  });

  it('becomes the thread of the model that is asked for', async () => {
    const [alias, model] =
      harness === 'claude-code' ? ['claude-opus-4-8', 'claude-opus-4-8'] : ['codex/gpt-5.1', 'gpt-5.1'];
    await startWithSpares(harness, 1);
    await ask('model', 'SCENE:text yes', { model: alias });
    expect(JSON.stringify(rig.model.requests[0]?.body)).toContain(`"model":"${model}"`);
  });

  it('serves one thread only: others see neither its files nor what was said in it', async () => {
    await startWithSpares(harness, 2);
    const own = (name: string) =>
      `SCENE:tool echo ${name} > own-${name}; sleep 0.3; ls; echo "key $CENTAUR_THREAD_KEY prompt $CENTAUR_EXTRA_SYSTEM_PROMPT"`;
    const names = ['red', 'blue'];
    const answers = await Promise.all(names.map((name) => ask(name, own(name), { system: `You are ${name}-agent.` })));
    for (const [index, name] of names.entries()) {
      const other = names.find((each) => each !== name);
      const { text } = answers[index] ?? { text: '' };
      expect(text).toContain(`own-${name}`);
      expect(text).toContain(`key spares:${name} prompt You are ${name}-agent.`);
      expect(text).not.toContain(`own-${other}`);
      expect(text).not.toContain(`${other}-agent`);
      const asked = rig.model.requests
        .map(({ body }) => JSON.stringify(body))
        .filter((body) => body.includes(`own-${name}`));
      expect(asked.length).toBeGreaterThan(0);
      expect(asked.filter((body) => body.includes(`${other}-agent`) || body.includes(`own-${other}`))).toEqual([]);
    }
  });

  it('is not missed when it is killed before, during and after it is given to its thread', async () => {
    await startWithSpares(harness, 1);
    await killThreadProcesses(rig.server.dataDirectory);
    expect((await ask('before', 'SCENE:text one')).text).toContain('one');
    await killThreadProcesses(rig.server.dataDirectory);
    await rig.close();

    await startWithSpares(harness, 1);
    for (const pid of await processes()) signalProcess(pid, 'SIGSTOP');
    const during = ask('during', 'SCENE:text two');
    await expect.poll(() => spareCount(rig)).toBe(0);
    await delay(200);
    await killThreadProcesses(rig.server.dataDirectory);
    expect((await during).text).toContain('two');
  });

  it('is not needed: a burst of new threads larger than the pool is answered', async () => {
    await startWithSpares(harness, 1);
    const names = ['a', 'b', 'c', 'd'];
    const answers = await Promise.all(names.map((name) => ask(name, `SCENE:text said-${name}`)));
    for (const [index, name] of names.entries()) expect(answers[index]?.text).toContain(`said-${name}`);
    expect(new Set(await folders()).size).toBeGreaterThanOrEqual(names.length);
  });

  it('is replaced when the template changes that it was made from', async () => {
    const workspace = await newFolder('workspace-template');
    await writeFile(join(workspace, 'version'), 'old');
    await startWithSpares(harness, 1, { CHIRON_WORKSPACE_TEMPLATE: workspace });
    const [old] = await folders();
    await appendFile(join(workspace, 'version'), '-and-new');
    // Whoever knows a state knows it for a second.
    await delay(1100);
    const { text } = await ask('changed', 'SCENE:tool cat version');
    expect(text).toContain('old-and-new');
    // It goes when the next one is started, after the turn has had the machine for a while.
    await expect.poll(folders, READY).not.toContain(old);
  });

  it('is gone with the server: its process, its folders and what notes it', async () => {
    await startWithSpares(harness, 2);
    const dataDirectory = rig.server.dataDirectory;
    await ask('kept', 'SCENE:tool touch mark');
    const left = await folders();
    await rig.server.kill();
    await expect.poll(() => threadProcesses(dataDirectory)).toEqual([]);
    const again = await rig.startAgain({ CHIRON_POOL_SIZE: '0' });
    const kept = await folders();
    expect(kept).toHaveLength(1);
    expect(left.length).toBeGreaterThan(1);
    expect(await filesOf(kept[0])).toContain('mark');
    expect(await readdir(join(dataDirectory, 'spares'))).toEqual([]);
    await again.server.stop();
  });
});

describe.skipIf(skipReason !== undefined)('What a spare process of Codex rehearses', () => {
  const home = (folder = '') => join(rig.server.dataDirectory, 'threads', folder, 'home/.codex');
  const recordings = async (folder = ''): Promise<readonly string[]> =>
    (await readdir(join(home(folder), 'sessions'), { recursive: true })).filter((name) => name.endsWith('.jsonl'));

  it('is not in its thread: no recording is left, and no model was asked', async () => {
    await startWithSpares('codex', 1);
    const [folder] = await folders();
    expect(await readdir(home(folder))).toContain('thread_history_1.sqlite');
    expect(await recordings(folder)).toEqual([]);
    expect(rig.model.requests).toEqual([]);
    expect((await ask('first', 'SCENE:text yes')).text).toContain('yes');
    expect(await recordings(folder)).toHaveLength(1);
    expect(JSON.stringify(rig.model.requests.map(({ body }) => body))).not.toContain('rehears');
  });
});

describe.skipIf(skipReason !== undefined).each(HARNESSES)('A stopped thread of %s', (harness) => {
  /** Starts a server whose thread has had a turn, and no process any more. */
  async function startWithStopped(prompt: string): Promise<void> {
    rig = await startRig(harness, { CHIRON_HARNESS_IDLE_SECONDS: '3' });
    await ask('stopped', prompt);
    await expect.poll(processes, { timeout: 20_000 }).toEqual([]);
  }

  const follow = async (signal: AbortSignal): Promise<void> => {
    const events = await fetch(`${rig.server.url}/api/session/spares%3Astopped/events`, { signal });
    expect(events.status).toBe(200);
  };
  const countTokens = async (): Promise<void> => {
    const counted = await fetch(`${rig.server.url}/v1/messages/count_tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-chiron-thread-key': 'spares:stopped' },
      body: JSON.stringify({ model: 'default', messages: [{ role: 'user', content: 'how many?' }] }),
    });
    expect(counted.status).toBe(200);
  };

  it.each([
    ['follows its events', follow],
    ['counts tokens for it', countTokens],
  ])('has its process when its caller %s, and goes on in it', async (_what, sign) => {
    await startWithStopped('SCENE:text remembered-word');
    const leaving = new AbortController();
    await sign(leaving.signal);
    await expect.poll(async () => (await processes()).length).toBeGreaterThan(0);
    const started = await processes();
    const { status, text } = await ask('stopped', 'SCENE:tool echo "second turn"');
    expect(status, text).toBe(200);
    expect(text).toContain('second turn');
    const after = new Set(await processes());
    expect(started.filter((pid) => after.has(pid))).not.toEqual([]);
    expect(JSON.stringify(rig.model.requests.at(-1)?.body)).toContain('remembered-word');
    leaving.abort();
  });

  it('goes on although the process that was started for it dies, or is not used', async () => {
    await startWithStopped('SCENE:text remembered-word');
    await countTokens();
    await expect.poll(async () => (await processes()).length).toBeGreaterThan(0);
    await killThreadProcesses(rig.server.dataDirectory);
    expect((await ask('stopped', 'SCENE:text still here')).text).toContain('still here');
    expect(JSON.stringify(rig.model.requests.at(-1)?.body)).toContain('remembered-word');
    await expect.poll(processes, { timeout: 20_000 }).toEqual([]);
  });

  it('starts none for a thread that there is not', async () => {
    rig = await startRig(harness);
    await countTokens();
    await delay(500);
    expect(await processes()).toEqual([]);
  });
});
