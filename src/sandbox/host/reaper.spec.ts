import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { compileSandbox } from '../__fixtures__/compile.js';
import { selectProcessTree, toIdentity, listProcesses } from './process-table.js';
import { Reaper } from './reaper.js';
import { signalProcess } from './sweep.js';

const LONG = { timeout: 15_000, interval: 50 };
let folder: string;
const leftovers: number[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'chiron-reaper-'));
  compileSandbox(join(folder, 'compiled'));
});

afterEach(() => {
  for (const pid of leftovers.splice(0)) signalProcess(pid, 'SIGKILL');
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function marked(marker: string): Promise<number> {
  return (await listProcesses(marker)).filter((entry) => entry.marked).length;
}

function sleeper(environment: Record<string, string>): ChildProcess & { pid: number } {
  const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore', env: { ...process.env, ...environment } });
  const { pid } = child;
  if (pid === undefined) throw new Error('sleep did not start');
  leftovers.push(pid);
  return Object.assign(child, { pid });
}

/** What an observer sees of a child of this test: a killed one is reaped, and its signal known, at once. */
const signalOf = (child: ChildProcess) => () => child.signalCode;

describe('Reaper', () => {
  it('kills the groups that are under guard when its input ends, and no others', async () => {
    const reaper = new Reaper(`CHIRON_SERVER=${randomUUID()}`, () => undefined);
    const [guarded, released, stranger] = [sleeper({}), sleeper({}), sleeper({})];
    await reaper.add(guarded.pid);
    await reaper.add(released.pid);
    reaper.remove(released.pid);
    await reaper.close();
    await expect.poll(signalOf(guarded), LONG).toBe('SIGKILL');
    expect([released.signalCode, stranger.signalCode]).toEqual([null, null]);
  });

  it('kills the groups that are under guard when it does not hear of life in time, and guards those that start later', async () => {
    const reaper = new Reaper(`CHIRON_SERVER=${randomUUID()}`, () => undefined);
    reaper.expectLife(60);
    reaper.expectLife(1);
    const first = sleeper({});
    await reaper.add(first.pid);
    await expect.poll(signalOf(first), LONG).toBe('SIGKILL');
    reaper.remove(first.pid);
    reaper.expectLife(60);
    const second = sleeper({});
    await reaper.add(second.pid);
    expect(second.signalCode).toBeNull();
    await reaper.close();
    await expect.poll(signalOf(second), LONG).toBe('SIGKILL');
  });

  it.runIf(process.platform === 'linux')('kills what carries the marker, in whatever group', async () => {
    const marker = randomUUID();
    const reaper = new Reaper(`CHIRON_SERVER=${marker}`, () => undefined);
    const guarded = sleeper({});
    const strayed = sleeper({ CHIRON_SERVER: marker });
    const stranger = sleeper({ CHIRON_SERVER: randomUUID() });
    await reaper.add(guarded.pid);
    await reaper.close();
    await expect.poll(signalOf(strayed), LONG).toBe('SIGKILL');
    expect(stranger.signalCode).toBeNull();
  });

  it('starts another helper, which knows all groups, when one dies', async () => {
    const warnings: string[] = [];
    const reaper = new Reaper(`CHIRON_SERVER=${randomUUID()}`, (text) => warnings.push(text));
    const guarded = sleeper({});
    await reaper.add(guarded.pid);
    const first = reaper.pid;
    signalProcess(first ?? 0, 'SIGKILL');
    await expect.poll(() => reaper.pid !== first && reaper.pid !== undefined, LONG).toBe(true);
    await reaper.add(sleeper({}).pid);
    await reaper.close();
    await expect.poll(signalOf(guarded), LONG).toBe('SIGKILL');
    expect(warnings).toEqual([expect.stringContaining('SIGKILL')]);
  });

  it('keeps a group waiting that comes while no helper lives, until the next one has it', async () => {
    const reaper = new Reaper(`CHIRON_SERVER=${randomUUID()}`, () => undefined);
    await reaper.add(sleeper({}).pid);
    signalProcess(reaper.pid ?? 0, 'SIGKILL');
    const late = sleeper({});
    await reaper.add(late.pid);
    await reaper.close();
    await expect.poll(signalOf(late), LONG).toBe('SIGKILL');
  });

  it('survives the signals that a service manager sends to all of a service', async () => {
    const reaper = new Reaper(`CHIRON_SERVER=${randomUUID()}`, () => undefined);
    const guarded = sleeper({});
    await reaper.add(guarded.pid);
    const helper = reaper.pid;
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) signalProcess(helper ?? 0, signal);
    await reaper.add(sleeper({}).pid);
    expect(reaper.pid).toBe(helper);
    await reaper.close();
  });

  it('closes without ever having been used', async () => {
    await new Reaper('CHIRON_SERVER=unused', () => undefined).close();
  });
});

describe('a server that is killed with SIGKILL', () => {
  interface Server {
    readonly child: ChildProcess & { pid: number };
    readonly marker: string;
  }

  async function startServer(name: string): Promise<Server> {
    const fixture = join(import.meta.dirname, '..', '__fixtures__', 'server.mjs');
    const child = spawn(process.execPath, [fixture, join(folder, 'compiled'), join(folder, name)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { pid } = child;
    if (pid === undefined) throw new Error('the server did not start');
    leftovers.push(pid);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await expect.poll(() => output.trim().split('\n').length, LONG).toBe(2);
    return { child: Object.assign(child, { pid }), marker: `CHIRON_SERVER=${output.trim().split('\n')[0] ?? ''}` };
  }

  /** The server's helper: its only child that is no program of a thread. */
  async function helperOf({ child, marker }: Server): Promise<number | undefined> {
    const children = (await listProcesses(marker)).filter((entry) => entry.parent === child.pid && !entry.marked);
    return children.find((entry) => readFileSync(`/proc/${String(entry.pid)}/cmdline`).includes(marker))?.pid;
  }

  async function alive(identities: readonly string[]): Promise<readonly string[]> {
    const now = new Set((await listProcesses('none')).map(toIdentity));
    return identities.filter((each) => now.has(each));
  }

  it.runIf(process.platform === 'linux')('leaves no process behind, nor the helper', async () => {
    const server = await startServer('killed');
    const programs = async () => {
      const seeds = (await listProcesses(server.marker)).filter((entry) => entry.marked);
      const [leader] = seeds;
      if (leader === undefined) return [];
      return selectProcessTree(await listProcesses('none'), leader.pid, new Set(seeds.map(toIdentity))).map(toIdentity);
    };
    // Per thread: the program, two that left its session (one with a shell around it), one in its group, and one in its
    // group whose environment was emptied.
    await expect.poll(async () => (await programs()).length, LONG).toBe(2 * 6);
    const identities = await programs();
    const helper = await helperOf(server);
    signalProcess(server.child.pid, 'SIGKILL');
    await expect.poll(() => alive(identities), LONG).toEqual([]);
    await expect.poll(async () => (await listProcesses('none')).some((each) => each.pid === helper), LONG).toBe(false);
  });

  it.runIf(process.platform === 'linux')('leaves none behind either when its helper was killed before', async () => {
    const server = await startServer('helper-killed');
    await expect.poll(() => marked(server.marker), LONG).toBe(2 * 5);
    const first = await helperOf(server);
    signalProcess(first ?? 0, 'SIGKILL');
    await expect.poll(async () => [undefined, first].includes(await helperOf(server)), LONG).toBe(false);
    signalProcess(server.child.pid, 'SIGKILL');
    await expect.poll(() => marked(server.marker), LONG).toBe(0);
  });
});
