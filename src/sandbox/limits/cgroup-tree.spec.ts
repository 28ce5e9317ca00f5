import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawn, spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findCgroupLayout } from './cgroup-layout.js';
import { parseStat } from '../host/process-table.js';
import { CgroupTree } from './cgroup-tree.js';

const LIMITS = { memoryBytes: 600_000_000, processes: 60, openFiles: 0 };
const fail = (text: string) => {
  throw new Error(text);
};

describe('a tree of version 2', () => {
  let base: string;

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'chiron-cgroup-'));
    writeFileSync(join(base, 'cgroup.controllers'), 'cpu io memory pids\n');
    writeFileSync(join(base, 'cgroup.type'), 'domain\n');
    writeFileSync(join(base, 'cgroup.procs'), '4711\n');
    writeFileSync(join(base, 'cgroup.subtree_control'), '');
  });

  afterEach(() => rmSync(base, { recursive: true, force: true }));

  const text = (...path: readonly string[]) => readFileSync(join(base, ...path), 'utf8');

  it('moves the server out of the group that it limits groups in', () => {
    // In files, unlike in the kernel, the group of the agents lacks its list of controllers.
    expect(() => CgroupTree.openIn({ version: 2, base }, fail)).toThrow('cgroup.controllers');
    expect(text('chiron-server', 'cgroup.procs')).toBe('4711');
    expect(text('cgroup.subtree_control')).toBe('+cpu');
  });

  it('moves nobody in the root group of the system, which may hold processes', () => {
    rmSync(join(base, 'cgroup.type'));
    expect(() => CgroupTree.openIn({ version: 2, base }, fail)).toThrow('cgroup.controllers');
    expect(readdirSync(base)).not.toContain('chiron-server');
  });

  it('is refused where the controllers are not delegated', () => {
    writeFileSync(join(base, 'cgroup.controllers'), 'cpu\n');
    expect(() => CgroupTree.openIn({ version: 2, base }, fail)).toThrow('are not delegated');
    expect(readdirSync(base)).not.toContain('chiron-server');
  });
});

const layout =
  process.platform === 'linux'
    ? findCgroupLayout(readFileSync('/proc/self/mounts', 'utf8'), readFileSync('/proc/self/cgroup', 'utf8'), existsSync)
    : undefined;
const probe = CgroupTree.open(() => undefined);
const pids = layout?.version === 1 && typeof probe !== 'string' ? layout.pids : undefined;
if (typeof probe !== 'string') probe.close();

describe.runIf(pids !== undefined)('a tree of version 1 on this machine', () => {
  const folder = pids ?? '';
  const groups = () => readdirSync(folder).filter((name) => name.startsWith(`chiron-${process.pid}-`));

  it('holds a process until it is removed', async () => {
    const tree = CgroupTree.openIn({ version: 1, pids: folder }, fail);
    const group = tree.group('one', LIMITS);
    const child = spawn('sleep', ['100']);
    await group.enter(child.pid ?? 0);
    const path = join(folder, groups()[0] ?? '', 'one');
    expect(readFileSync(join(path, 'pids.max'), 'utf8').trim()).toBe('60');
    expect(readFileSync(join(path, 'cgroup.procs'), 'utf8').trim()).toBe(String(child.pid));
    child.kill('SIGKILL');
    await group.remove();
    expect(existsSync(path)).toBe(false);
    tree.close();
    expect(groups()).toEqual([]);
  });

  it('has what a killed server left removed by the next one, and not what another one uses', () => {
    const ended = spawnSync('true').pid;
    const left = join(folder, `chiron-${ended}-123-1`);
    const started = parseStat(readFileSync(`/proc/${process.ppid}/stat`, 'utf8'))?.started;
    const used = join(folder, `chiron-${process.ppid}-${started}-1`);
    // Of an earlier process with a pid that is used again.
    const earlier = join(folder, `chiron-${process.ppid}-1-1`);
    mkdirSync(earlier);
    mkdirSync(join(left, 'process'), { recursive: true });
    mkdirSync(used);
    const other = CgroupTree.openIn({ version: 1, pids: folder }, fail);
    CgroupTree.openIn({ version: 1, pids: folder }, fail).close();
    expect([left, earlier, used].map((path) => existsSync(path))).toEqual([false, false, true]);
    expect(groups()).toHaveLength(1);
    other.close();
    spawnSync('rmdir', [used]);
  });
});
