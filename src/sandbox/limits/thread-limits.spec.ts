import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalSandbox } from '../local/local.sandbox.js';
import type { SandboxProcess } from '../sandbox.js';
import { CgroupTree } from './cgroup-tree.js';

const probe = CgroupTree.open(() => undefined);
if (typeof probe === 'string') process.stderr.write(`Skipped: ${probe}.\n`);
else probe.close();

describe.skipIf(typeof probe === 'string')('the limits of a thread by control groups', () => {
  let folder: string;
  let sandbox: LocalSandbox;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'chiron-limits-'));
    sandbox = new LocalSandbox({
      dataDirectory: folder,
      workspaceTemplate: undefined,
      homeTemplate: undefined,
      limits: { processes: 40, memoryBytes: 0, openFiles: 0 },
    });
  });

  afterEach(async () => {
    await sandbox.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(threadId: string, script: string): Promise<SandboxProcess> {
    await sandbox.prepare(threadId);
    return sandbox.spawn({ threadId, command: 'bash', args: ['-c', script], env: {} });
  }

  const output = async (started: SandboxProcess) => (await firstValueFrom(started.lines$.pipe(toArray()))).flat();
  const isThere = async (name: string) =>
    (
      await output(
        await start('looks', `grep -ls '${name.slice(0, 3)}[${name.charAt(3)}]${name.slice(4)}' /proc/[0-9]*/cmdline`),
      )
    ).length > 0;
  /** Starts so many processes, or as many as it may, and says how many. */
  const forks = (count: number) => `exec python3 -c '
import os, time
made = 0
try:
  while made < ${count}:
    if os.fork() == 0: time.sleep(60); os._exit(0)
    made += 1
except OSError: pass
print(made, flush=True); time.sleep(60)'`;

  it('are those of all its processes together, and not of another thread’s', { timeout: 60_000 }, async () => {
    const made = async (started: SandboxProcess) => Number((await firstValueFrom(started.lines$))[0]);
    const one = await start('one', forks(20));
    expect(await made(one)).toBe(20);
    const two = await start('one', forks(60));
    expect(await made(two)).toBeLessThan(20);
    expect(await output(await start('two', 'sh -c "echo there"'))).toEqual(['there']);
    await Promise.all([one.stop(0), two.stop(0)]);
    expect(await made(await start('one', forks(30)))).toBe(30);
  });

  it('find what a process has left, however it hid', async () => {
    const name = `hidden-${process.pid}`;
    const hides = await start(
      'one',
      `setsid env -i bash -c '(exec -a ${name} sleep 300 </dev/null >/dev/null 2>&1 &)'; sleep 1`,
    );
    await expect.poll(() => isThere(name), { timeout: 15_000 }).toBe(true);
    await hides.exit;
    expect(await isThere(name)).toBe(false);
  });
});
