import { describe, expect, it } from 'vitest';
import { findCgroupLayout, readCounter } from './cgroup-layout.js';
import { describeKernelLimits } from './describe-limits.js';
import { toCgroupWrites } from './thread-cgroup.js';
import { toPrlimitPrefix } from './prlimit.js';

const ALL = { memoryBytes: 600, processes: 60, openFiles: 100 };
const NONE = { memoryBytes: 0, processes: 0, openFiles: 0 };
const HYBRID = [
  'cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0',
  'cgroup /sys/fs/cgroup/pids cgroup rw,relatime,pids 0 0',
  'cgroup /sys/fs/cgroup/cpu cgroup rw,relatime,cpu,cpuacct 0 0',
  'cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0',
].join('\n');
const UNIFIED = 'cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0';

describe('the control groups of a system', () => {
  it('are those of version 1 where they have the controllers, below the own groups', () => {
    const layout = findCgroupLayout(HYBRID, '8:pids:/\n4:memory:/app\n2:cpu,cpuacct:/app\n0::/', () => true);
    expect(layout).toEqual({
      version: 1,
      memory: '/sys/fs/cgroup/memory/app',
      pids: '/sys/fs/cgroup/pids',
      cpuacct: '/sys/fs/cgroup/cpu/app',
    });
  });

  it('are found at the mount where a container does not show the own path', () => {
    const layout = findCgroupLayout(HYBRID, '4:memory:/docker/x', (path) => !path.includes('docker'));
    expect(layout).toEqual({ version: 1, memory: '/sys/fs/cgroup/memory' });
  });

  it('are those of version 2 elsewhere, and above the group to which an earlier server moved itself', () => {
    const base = { version: 2, base: '/sys/fs/cgroup/system.slice/chiron.service' };
    const find = (own: string) => findCgroupLayout(UNIFIED, `0::${own}\n`, () => true);
    expect(find('/system.slice/chiron.service')).toEqual(base);
    expect(find('/system.slice/chiron.service/chiron-server')).toEqual(base);
  });

  it('are none where none are mounted', () => {
    expect(findCgroupLayout('proc /proc proc rw 0 0', '0::/', () => true)).toBeUndefined();
  });
});

describe('a control group', () => {
  const files = (controller: Parameters<typeof toCgroupWrites>[0], limits = ALL) =>
    toCgroupWrites(controller, limits).map(({ file, value }) => `${file}=${value}`);

  it('limits memory without swap, and processes', () => {
    expect(files('memory')).toEqual([
      'memory.use_hierarchy=1',
      'memory.limit_in_bytes=600',
      'memory.memsw.limit_in_bytes=600',
    ]);
    expect(files('pids')).toEqual(['pids.max=60']);
    expect(files('unified')).toEqual([
      'memory.max=600',
      'memory.swap.max=0',
      'memory.oom.group=1',
      'pids.max=60',
      'cpu.weight=100',
    ]);
  });

  it('limits nothing that has no limit', () => {
    expect([files('memory', NONE), files('pids', NONE), files('unified', NONE)]).toEqual([[], [], ['cpu.weight=100']]);
  });

  it('counts the processes that the system ended for their memory', () => {
    expect(readCounter('low 0\noom 3\noom_kill 2\noom_group_kill 1\n', 'oom_kill')).toBe(2);
    expect(readCounter('', 'oom_kill')).toBe(0);
  });
});

describe('prlimit', () => {
  it('is put before the program with what it limits, and not at all without a limit', () => {
    expect(toPrlimitPrefix('/bin/prlimit', { openFiles: 100, processes: 60 })).toEqual([
      '/bin/prlimit',
      '--nofile=100:100',
      '--nproc=60:60',
    ]);
    expect(toPrlimitPrefix('/bin/prlimit', { openFiles: 0 })).toEqual([]);
  });
});

describe('the start-up summary', () => {
  it('says what holds each limit', () => {
    const means = { memory: true, pids: true, countsProcesses: undefined, prlimit: true, problem: undefined };
    expect(describeKernelLimits(ALL, means)).toEqual([
      'memory is limited for each thread by control groups',
      'the number of processes is limited for each thread by control groups',
      'open files are limited by prlimit',
    ]);
    expect(describeKernelLimits(NONE, means)).toEqual([]);
  });

  it.each(['thread', 'agent process'] as const)(
    'says that a sandbox without control groups counts for each %s',
    (each) => {
      const means = { memory: false, pids: false, countsProcesses: each, prlimit: true, problem: 'none are mounted' };
      expect(describeKernelLimits({ ...NONE, processes: 9 }, means)).toEqual([
        `the number of processes of each ${each} is limited by prlimit (none are mounted)`,
      ]);
    },
  );

  it('says which limit nothing holds, and why', () => {
    const means = {
      memory: false,
      pids: false,
      countsProcesses: undefined,
      prlimit: false,
      problem: 'no control groups are mounted',
    };
    expect(describeKernelLimits(ALL, means)).toEqual([
      'nothing limits memory (CHIRON_THREAD_MEMORY_MB): no control groups are mounted',
      'nothing limits the number of processes (CHIRON_THREAD_PROCESSES): no control groups are mounted',
      'nothing limits open files (CHIRON_THREAD_OPEN_FILES): prlimit (util-linux) is not installed',
    ]);
  });
});
