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
    CgroupTree.openIn({ version: 2, base }, fail);
    expect(text('chiron-server', 'cgroup.procs')).toBe('4711');
    expect(text('cgroup.subtree_control')).toBe('+memory +pids +cpu');
  });

  it('limits a thread, and has each process in a group of its own in the thread’s, which itself has none', async () => {
    const tree = CgroupTree.openIn({ version: 2, base }, fail);
    const group = tree.group('thread', LIMITS);
    await group.enter('one', 4712);
    await group.enter('two', 4713);
    const [server = ''] = tree.paths;
    const inTree = (...path: readonly string[]) => readFileSync(join(server, ...path), 'utf8');
    expect(inTree('cgroup.subtree_control')).toBe('+memory +pids +cpu');
    expect([inTree('thread', 'memory.max'), inTree('thread', 'pids.max')]).toEqual(['600000000', '60']);
    expect([inTree('thread', 'memory.oom.group'), inTree('thread', 'cpu.weight')]).toEqual(['1', '100']);
    expect([inTree('thread', 'one', 'cgroup.procs'), inTree('thread', 'two', 'cgroup.procs')]).toEqual([
      '4712',
      '4713',
    ]);
    // The kernel refuses processes in a group that gives controllers to others, and the other way round.
    expect(readdirSync(server)).not.toContain('cgroup.procs');
    expect(readdirSync(join(server, 'thread'))).not.toContain('cgroup.procs');
    expect(readdirSync(join(server, 'thread'))).not.toContain('cgroup.subtree_control');
    expect(readdirSync(join(server, 'thread', 'one'))).toEqual(['cgroup.procs']);
    expect(await group.members('one')).toEqual([4712]);
  });

  it('counts what a thread has used in the thread’s group', async () => {
    const tree = CgroupTree.openIn({ version: 2, base }, fail);
    const group = tree.group('thread', LIMITS);
    await group.enter('one', 4712);
    writeFileSync(join(tree.paths[0] ?? '', 'thread', 'cpu.stat'), 'usage_usec 250000\nuser_usec 1\n');
    writeFileSync(join(tree.paths[0] ?? '', 'thread', 'memory.events'), 'oom 3\noom_kill 2\n');
    expect(await group.usage()).toEqual({ cpuMs: 250, memoryKills: 2 });
  });

  it('moves nobody in the root group of the system, which may hold processes', () => {
    rmSync(join(base, 'cgroup.type'));
    CgroupTree.openIn({ version: 2, base }, fail);
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
  const listGroups = (): readonly string[] =>
    readdirSync(folder).filter((name) => name.startsWith(`chiron-${process.pid}-`));
  /** Other specs of this process may have some, too. */
  let before: readonly string[];
  const groups = (): readonly string[] => listGroups().filter((name) => !before.includes(name));

  beforeEach(() => {
    before = listGroups();
  });

  const start = () => spawn('sleep', ['100'], { stdio: 'ignore' });

  it('limits the processes of a thread together, and is removed with the last one', async () => {
    const tree = CgroupTree.openIn({ version: 1, pids: folder }, fail);
    const group = tree.group('thread', LIMITS);
    const [one, two] = [start(), start()];
    await Promise.all([group.enter('one', one.pid ?? 0), group.enter('two', two.pid ?? 0)]);
    const path = join(folder, groups()[0] ?? '', 'thread');
    expect(readFileSync(join(path, 'pids.max'), 'utf8').trim()).toBe('60');
    expect(readFileSync(join(path, 'pids.current'), 'utf8').trim()).toBe('2');
    expect([await group.members('one'), await group.members('two')]).toEqual([[one.pid], [two.pid]]);
    one.kill('SIGKILL');
    await group.leave('one');
    expect([existsSync(join(path, 'one')), existsSync(path)]).toEqual([false, true]);
    two.kill('SIGKILL');
    // The next process begins while the group goes.
    const three = start();
    await Promise.all([group.leave('two'), group.enter('three', three.pid ?? 0)]);
    expect(readFileSync(join(path, 'pids.max'), 'utf8').trim()).toBe('60');
    expect(await group.members('three')).toEqual([three.pid]);
    three.kill('SIGKILL');
    await group.leave('three');
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
    mkdirSync(join(left, 'thread', 'process'), { recursive: true });
    mkdirSync(used);
    const other = CgroupTree.openIn({ version: 1, pids: folder }, fail);
    CgroupTree.openIn({ version: 1, pids: folder }, fail).close();
    expect([left, earlier, used].map((path) => existsSync(path))).toEqual([false, false, true]);
    expect(groups()).toHaveLength(1);
    other.close();
    spawnSync('rmdir', [used]);
  });
});
