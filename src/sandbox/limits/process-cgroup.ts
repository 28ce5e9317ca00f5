import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { describeFileError, readErrorCode } from '../errors.js';
import type { CgroupFolder } from './cgroup-tree.js';
import { readCounter } from './cgroup-layout.js';
import type { KernelLimits } from './process-limits.js';

/** How often a group is removed again that the system is still clearing of its processes: a few seconds. */
const REMOVAL_ROUNDS = 50;
const REMOVAL_PAUSE_MS = 100;

/** What a group has counted. */
export interface CgroupUsage {
  readonly cpuMs: number | undefined;
  readonly memoryKills: number;
}

/** The control group of one process and everything that it starts. */
export class ProcessCgroup {
  constructor(
    private readonly folders: readonly CgroupFolder[],
    private readonly limits: KernelLimits,
    private readonly warn: (text: string) => void,
  ) {}

  /** Makes the group with its limits and moves the process into it. Rejects when a limit cannot be set. */
  async enter(pid: number): Promise<void> {
    await Promise.all(this.folders.map((folder) => enterFolder(folder, this.limits, pid)));
  }

  /** What the group has used so far. */
  async usage(): Promise<CgroupUsage> {
    const texts = await Promise.all(this.folders.map((folder) => readCounters(folder)));
    const cpu = texts.find(({ cpuMs }) => cpuMs !== undefined)?.cpuMs;
    return { cpuMs: cpu, memoryKills: texts.reduce((sum, { memoryKills }) => sum + memoryKills, 0) };
  }

  /** Removes the group, once the system has cleared it. Never rejects. */
  async remove(): Promise<void> {
    for (const { path } of this.folders) {
      try {
        await removeCleared(path);
      } catch (error) {
        this.warn(`failed to remove a control group: ${describeFileError(error)}`);
      }
    }
  }
}

async function enterFolder({ controller, path }: CgroupFolder, limits: KernelLimits, pid: number): Promise<void> {
  await mkdir(path);
  for (const { file, value, isOptional } of toCgroupWrites(controller, limits)) {
    await writeFile(`${path}/${file}`, value).catch((error: unknown) => {
      // A system without swap accounting or without `cpu` has no such file, and lets nobody make it.
      if (!isOptional || !['ENOENT', 'EACCES', 'EPERM'].includes(readErrorCode(error) ?? '')) throw error;
    });
  }
  await writeFile(`${path}/cgroup.procs`, String(pid)).catch((error: unknown) => {
    // It has been killed meanwhile.
    if (readErrorCode(error) !== 'ESRCH') throw error;
  });
}

/** What to write into a new group. */
export function toCgroupWrites(
  controller: CgroupFolder['controller'],
  { memoryBytes, processes }: KernelLimits,
): readonly { readonly file: string; readonly value: string; readonly isOptional: boolean }[] {
  const required = (file: string, value: number) => ({ file, value: String(value), isOptional: false });
  const optional = (file: string, value: number) => ({ file, value: String(value), isOptional: true });
  switch (controller) {
    case 'memory':
      // The limit with swap may not be below the one without, so it comes second (kernel, cgroup-v1/memory).
      return memoryBytes === 0
        ? []
        : [required('memory.limit_in_bytes', memoryBytes), optional('memory.memsw.limit_in_bytes', memoryBytes)];
    case 'pids':
      return processes === 0 ? [] : [required('pids.max', processes)];
    case 'cpuacct':
      return [];
    case 'unified':
      return [
        ...(memoryBytes === 0
          ? []
          : [
              required('memory.max', memoryBytes),
              optional('memory.swap.max', 0),
              // An agent that lost one of its processes may wait for it for ever.
              required('memory.oom.group', 1),
            ]),
        ...(processes === 0 ? [] : [required('pids.max', processes)]),
        // Equal parts of the processor for each agent, and as much for the server's own group. Only where `cpu` is delegated.
        optional('cpu.weight', 100),
      ];
    default:
      return controller satisfies never;
  }
}

async function readCounters({ controller, path }: CgroupFolder): Promise<CgroupUsage> {
  const none = { cpuMs: undefined, memoryKills: 0 };
  switch (controller) {
    case 'memory':
      return { ...none, memoryKills: readCounter(await readIfThere(`${path}/memory.oom_control`), 'oom_kill') };
    case 'cpuacct':
      return { ...none, cpuMs: Number(await readIfThere(`${path}/cpuacct.usage`)) / 1e6 };
    case 'unified':
      return {
        cpuMs: readCounter(await readIfThere(`${path}/cpu.stat`), 'usage_usec') / 1000,
        memoryKills: readCounter(await readIfThere(`${path}/memory.events`), 'oom_kill'),
      };
    case 'pids':
      return none;
    default:
      return controller satisfies never;
  }
}

/** Empty for a group that is not there: its process was killed before it got in. */
async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENODEV'].includes(readErrorCode(error) ?? '')) return '';
    throw error;
  }
}

async function removeCleared(path: string): Promise<void> {
  for (let round = 1; ; round += 1) {
    try {
      await rmdir(path);
      return;
    } catch (error) {
      const code = readErrorCode(error);
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || round === REMOVAL_ROUNDS) throw error;
    }
    await delay(REMOVAL_PAUSE_MS, undefined, { ref: false });
  }
}
