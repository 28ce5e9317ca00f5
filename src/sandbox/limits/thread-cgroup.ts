import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { describeFileError, readErrorCode } from '../errors.js';
import type { CgroupFolder } from './cgroup-tree.js';
import { readCounter } from './cgroup-layout.js';
import type { KernelLimits } from './process-limits.js';

/** How often a group is removed again that the system is still clearing of its processes: a few seconds. */
const REMOVAL_ROUNDS = 50;
const REMOVAL_PAUSE_MS = 100;

/** What a thread's group has counted. */
export interface CgroupUsage {
  readonly cpuMs: number;
  readonly memoryKills: number;
}

const NOTHING: CgroupUsage = { cpuMs: 0, memoryKills: 0 };

/**
 * The control group of one thread, which the limits are those of, with one group in it per process start: these have no limit, and tell what a
 * start has left. It is there while any process of the thread runs, and counts on over all of them.
 */
export class ThreadCgroup {
  readonly #processes = new Set<string>();
  /** What was counted in groups that are removed. */
  #counted = NOTHING;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly folders: readonly CgroupFolder[],
    private readonly limits: KernelLimits,
    private readonly warn: (text: string) => void,
  ) {}

  /** Makes the group with its limits, unless it is there, and moves a process into a group of its own in it. Rejects when a limit cannot be set. */
  async enter(processId: string, pid: number): Promise<void> {
    this.#processes.add(processId);
    await this.#next(async () => {
      for (const folder of this.folders) await makeLimited(folder, this.limits);
      for (const { path } of this.folders) await enterFolder(`${path}/${processId}`, pid);
    });
  }

  /** What the thread has used so far, in groups that were removed, too. */
  async usage(): Promise<CgroupUsage> {
    const found = await Promise.all(this.folders.map((folder) => this.#read(folder)));
    return found.flat().reduce(add, this.#counted);
  }

  /** The processes that one start has left. */
  async members(processId: string): Promise<readonly number[]> {
    const texts = await Promise.all(this.folders.map(({ path }) => readIfThere(`${path}/${processId}/cgroup.procs`)));
    // 0 stands for a process that another namespace hides.
    const pids = texts.flatMap((text) => text.split('\n').map(Number));
    return [...new Set(pids)].filter((pid) => pid > 1);
  }

  /** Removes the group of a process, once the system has cleared it, and with the last one that of the thread. Never rejects. */
  async leave(processId: string): Promise<void> {
    try {
      for (const { controller, path } of this.folders) {
        const own = { controller, path: `${path}/${processId}` };
        const { memoryKills } = await readCounters(own);
        await removeCleared(own.path);
        this.#counted = add(this.#counted, { cpuMs: 0, memoryKills });
      }
      this.#processes.delete(processId);
      await this.#next(() => this.#removeIfUnused());
    } catch (error) {
      this.warn(`failed to remove a control group: ${describeFileError(error)}`);
    }
  }

  async #removeIfUnused(): Promise<void> {
    if (this.#processes.size > 0) return;
    for (const folder of this.folders) {
      const counted = await readCounters(folder);
      await removeCleared(folder.path);
      this.#counted = add(this.#counted, counted);
    }
  }

  /** Memory that ran out is counted in the group of the process in version 1, and in that of the thread in version 2. */
  async #read(folder: CgroupFolder): Promise<readonly CgroupUsage[]> {
    const { controller, path } = folder;
    const own = await readCounters(folder);
    const processes = controller === 'memory' ? [...this.#processes] : [];
    const killed = await Promise.all(processes.map((id) => readCounters({ controller, path: `${path}/${id}` })));
    return [own, ...killed];
  }

  /** Groups are made and removed one after the other. */
  #next(task: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(task);
    this.#queue = done.catch(() => undefined);
    return done;
  }
}

function add(one: CgroupUsage, other: CgroupUsage): CgroupUsage {
  return { cpuMs: one.cpuMs + other.cpuMs, memoryKills: one.memoryKills + other.memoryKills };
}

/** Makes a group with its limits; one that is there has them. */
async function makeLimited(folder: CgroupFolder, limits: KernelLimits): Promise<void> {
  const { controller, path } = folder;
  // `recursive`: no error if it is there.
  if ((await mkdir(path, { recursive: true })) === undefined) return;
  try {
    for (const write of toCgroupWrites(controller, limits)) await setLimit(path, write);
  } catch (error) {
    // The next process would take it for one with limits.
    await rmdir(path);
    throw error;
  }
}

async function setLimit(path: string, { file, value, isOptional }: CgroupWrite): Promise<void> {
  await writeFile(`${path}/${file}`, value).catch((error: unknown) => {
    // A system without swap accounting or without `cpu` has no such file, and lets nobody make it.
    if (!isOptional || !['ENOENT', 'EACCES', 'EPERM', 'EINVAL'].includes(readErrorCode(error) ?? '')) throw error;
  });
}

async function enterFolder(path: string, pid: number): Promise<void> {
  await mkdir(path);
  await writeFile(`${path}/cgroup.procs`, String(pid)).catch((error: unknown) => {
    // It has been killed meanwhile.
    if (readErrorCode(error) !== 'ESRCH') throw error;
  });
}

/** A value of a new group. */
export interface CgroupWrite {
  readonly file: string;
  readonly value: string;
  /** Whether the group is as good without it. */
  readonly isOptional: boolean;
}

/** What to write into a new group. */
export function toCgroupWrites(
  controller: CgroupFolder['controller'],
  { memoryBytes, processes }: KernelLimits,
): readonly CgroupWrite[] {
  const required = (file: string, value: number) => ({ file, value: String(value), isOptional: false });
  const optional = (file: string, value: number) => ({ file, value: String(value), isOptional: true });
  switch (controller) {
    case 'memory':
      // The limit with swap may not be below the one without, so it comes second (kernel, cgroup-v1/memory).
      return memoryBytes === 0
        ? []
        : [
            // What is below counts, which it does in any case since Linux 5.11.
            optional('memory.use_hierarchy', 1),
            required('memory.limit_in_bytes', memoryBytes),
            optional('memory.memsw.limit_in_bytes', memoryBytes),
          ];
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
        // Equal parts of the processor for each thread, and as much for the server's own group. Only where `cpu` is delegated.
        optional('cpu.weight', 100),
      ];
    default:
      return controller satisfies never;
  }
}

async function readCounters({ controller, path }: CgroupFolder): Promise<CgroupUsage> {
  switch (controller) {
    case 'memory':
      return { cpuMs: 0, memoryKills: readCounter(await readIfThere(`${path}/memory.oom_control`), 'oom_kill') };
    case 'cpuacct':
      return { memoryKills: 0, cpuMs: Number(await readIfThere(`${path}/cpuacct.usage`)) / 1e6 };
    case 'unified':
      return {
        cpuMs: readCounter(await readIfThere(`${path}/cpu.stat`), 'usage_usec') / 1000,
        memoryKills: readCounter(await readIfThere(`${path}/memory.events`), 'oom_kill'),
      };
    case 'pids':
      return NOTHING;
    default:
      return controller satisfies never;
  }
}

/** Empty for a group that is not there, or is being removed. */
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
