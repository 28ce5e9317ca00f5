import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ask } from '../support/requests.js';
import { canBe, newFolder, removeFolder, startMain, type Start, urlOf } from '../support/start-main.js';

vi.setConfig({ testTimeout: 60_000 });

/** A process namespace of its own, as a container has one. */
const CONTAINER = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];
const canContain = canBe([...CONTAINER, 'true']);
if (!canContain) console.log('The server is not tried as process 1: that needs root and unshare.');

interface Entry {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
}

/** The processes of this machine that a process started, directly or not, with the zombies. */
function descendants(ancestor: number): readonly Entry[] {
  const all = readdirSync('/proc').flatMap((name): readonly Entry[] => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const [state = '', parent = ''] = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
      return [{ pid: Number(name), parent: Number(parent), state }];
    } catch {
      return []; // It has ended.
    }
  });
  const found = new Set([ancestor]);
  for (let size = 0; size !== found.size;) {
    size = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return all.filter(({ pid }) => pid !== ancestor && found.has(pid));
}

describe.runIf(canContain)('as process 1 of a container', () => {
  let folder: string;
  let start: Start;

  beforeEach(() => {
    folder = newFolder();
  });

  afterEach(async () => {
    start.signal('SIGKILL');
    await start.exit;
    removeFolder(folder);
  });

  async function runTurns(): Promise<void> {
    for (const command of [
      '(setsid sleep 0.2 &)',
      '(sleep 0.1 &) ; (sleep 0.1 & exec sleep 0.2 &)',
      'nohup sleep 0.1 >/dev/null &',
    ]) {
      const answer = await fetch(`${urlOf(start)}/v1/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(ask(`!${command}`, { model: 'demo' })),
      });
      expect([answer.status, await answer.text()]).toEqual([200, expect.any(String)]);
    }
  }

  /** Process 1 as it is seen from outside. */
  const first = (): number => descendants(start.pid).find(({ parent }) => parent === start.pid)?.pid ?? 0;

  it('leaves no zombies of what agents leave behind', async () => {
    start = await startMain({ cwd: folder, by: CONTAINER });
    urlOf(start);
    await runTurns();
    await expect.poll(() => descendants(start.pid).filter(({ state }) => state === 'Z')).toEqual([]);
    // A container in which they stay is told of, after a while.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(start.output()).not.toContain('zombies');
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('drains at %s, and ends with its status', async (signal) => {
    start = await startMain({ cwd: folder, by: CONTAINER, environment: { CHIRON_DRAIN_SECONDS: '30' } });
    const turn = fetch(`${urlOf(start)}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(ask('!touch begun; sleep 1; echo ended well', { model: 'demo' })),
    });
    // Not a number of processes: those that look at the host come and go as well.
    await expect.poll(() => hasFile(folder, 'begun'), { timeout: 10_000 }).toBe(true);
    process.kill(first(), signal);
    expect(await (await turn).text()).toContain('ended well');
    expect(await start.exit).toBe(0);
  });

  it('ends when the server is killed', async () => {
    start = await startMain({ cwd: folder, by: CONTAINER });
    const server = descendants(first()).find(({ parent }) => parent === first());
    process.kill(server?.pid ?? 0, 'SIGKILL');
    expect(await start.exit).toBe(137);
  });

  it('ends with the status of a server that cannot start', async () => {
    start = await startMain({ cwd: folder, by: CONTAINER, environment: { CHIRON_DATA_DIR: '/dev/null/data' } });
    expect(await start.exit).toBe(1);
    expect(start.output()).toMatch(/^Chiron cannot open the data folder [^\n]+\n$/);
  });

  it('says so where another process 1 leaves zombies, as npm does', async () => {
    const npm = `require('node:child_process').spawn(process.argv[1], process.argv.slice(2), { stdio: 'inherit' })`;
    start = await startMain({ cwd: folder, by: [...CONTAINER, process.execPath, '-e', npm] });
    urlOf(start);
    await expect.poll(() => start.output(), { timeout: 30_000 }).toContain('process 1 does not collect orphans');
  }, 60_000);
});

describe('a signal', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s drains, and a second one does not wait', async (signal) => {
    const folder = newFolder();
    const start = await startMain({ cwd: folder, environment: { CHIRON_DRAIN_SECONDS: '3000' } });
    const body = JSON.stringify(ask('!sleep 1000', { model: 'demo', stream: true }));
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${urlOf(start)}/v1/messages`, { method: 'POST', headers, body });
    const rest = answer.text().catch(() => 'cut');
    start.signal(signal);
    await expect.poll(async () => (await fetch(`${urlOf(start)}/readyz`).catch(() => undefined))?.status).not.toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 600));
    start.signal('SIGHUP');
    expect(await start.exit).toBe(0);
    await rest;
    removeFolder(folder);
  });
});

/** Whether an agent has made a file of this name. */
function hasFile(folder: string, name: string): boolean {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).some((path) => basename(path) === name);
}
