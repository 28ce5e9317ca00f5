import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { describeFileError, readErrorCode } from '../errors.js';
import { parseStat } from '../host/process-table.js';
import { type CgroupLayout, findCgroupLayout, SERVER_GROUP } from './cgroup-layout.js';
import { ProcessCgroup } from './process-cgroup.js';
import type { KernelLimits } from './process-limits.js';

/** What a folder of control groups is for. */
export type CgroupController = 'memory' | 'pids' | 'cpuacct' | 'unified';

/** A folder in which a group per process can be made. */
export interface CgroupFolder {
  readonly controller: CgroupController;
  readonly path: string;
}

/**
 * `chiron-<pid of the server>-<its start time>-<number>`: tells which ones a killed server has left. The pid alone does not, as a restarted
 * container uses the same ones again.
 */
const OWN_NAME = /^chiron-(\d+)-(\d+)-\d+$/;

let treeCount = 0;

/** The control groups of this server: one group for all its agents, and in it one per process. */
export class CgroupTree {
  readonly #name = `chiron-${String(process.pid)}-${readStartTime('self') ?? '0'}-${String((treeCount += 1))}`;

  private constructor(
    private readonly folders: readonly CgroupFolder[],
    private readonly warn: (text: string) => void,
  ) {}

  /**
   * Makes this server's groups, and removes those that killed servers have left. Returns why not if the system has no control groups
   * or does not let this server make any.
   */
  static open(warn: (text: string) => void): CgroupTree | string {
    if (process.platform !== 'linux') return 'this system has no control groups';
    try {
      const mounts = readFileSync('/proc/self/mounts', 'utf8');
      const layout = findCgroupLayout(mounts, readFileSync('/proc/self/cgroup', 'utf8'), existsSync);
      if (layout === undefined) return 'no control groups are mounted';
      return CgroupTree.openIn(layout, warn);
    } catch (error) {
      return `control groups cannot be made (${describeFileError(error)})`;
    }
  }

  /** The same in a known place. Throws system errors. */
  static openIn(layout: CgroupLayout, warn: (text: string) => void): CgroupTree {
    const bases = layout.version === 2 ? [unifiedBase(layout.base)] : legacyBases(layout);
    const tree = new CgroupTree(bases, warn);
    for (const { path } of bases) {
      sweepLeftovers(path);
      mkdirSync(`${path}/${tree.#name}`);
      if (layout.version === 2) enableControllers(`${path}/${tree.#name}`);
    }
    return tree;
  }

  /** Whether this server can limit with this controller. */
  has(controller: 'memory' | 'pids'): boolean {
    return this.folders.some((folder) => folder.controller === controller || folder.controller === 'unified');
  }

  /** A group for one process, which is made when the process enters it. */
  group(processId: string, limits: KernelLimits): ProcessCgroup {
    const folders = this.folders.map(({ controller, path }) => ({
      controller,
      path: `${path}/${this.#name}/${processId}`,
    }));
    return new ProcessCgroup(folders, limits, this.warn);
  }

  /** Removes this server's groups. Call it after the last process has ended; what is not empty is left to the next server. */
  close(): void {
    for (const { path } of this.folders) {
      for (const name of childGroups(`${path}/${this.#name}`)) removeIfEmpty(`${path}/${this.#name}/${name}`);
      removeIfEmpty(`${path}/${this.#name}`);
    }
  }
}

function legacyBases({ memory, pids, cpuacct }: CgroupLayout & { readonly version: 1 }): readonly CgroupFolder[] {
  return Object.entries({ memory, pids, cpuacct }).flatMap(([controller, path]) =>
    path === undefined ? [] : [{ controller: controller as CgroupController, path }],
  );
}

/** Makes it possible to limit groups below `base`: a group with limited children may have no processes of its own (cgroups(7)). */
function unifiedBase(base: string): CgroupFolder {
  const offered = readFileSync(`${base}/cgroup.controllers`, 'utf8').trim().split(/\s+/);
  if (!offered.includes('memory') || !offered.includes('pids')) {
    throw new Error('the controllers memory and pids are not delegated');
  }
  // The system's root group has no type, is free of the rule, and holds processes of everybody.
  if (existsSync(`${base}/cgroup.type`)) moveToServerGroup(base);
  enableControllers(base);
  return { controller: 'unified', path: base };
}

function moveToServerGroup(base: string): void {
  mkdirSync(`${base}/${SERVER_GROUP}`, { recursive: true });
  for (const pid of readFileSync(`${base}/cgroup.procs`, 'utf8').split('\n').filter(Boolean)) {
    writeFileSync(`${base}/${SERVER_GROUP}/cgroup.procs`, pid);
  }
}

/** `cpu` shares the processors evenly among the groups; not every service manager delegates it. */
function enableControllers(folder: string): void {
  writeFileSync(`${folder}/cgroup.subtree_control`, '+memory +pids');
  const offered = readFileSync(`${folder}/cgroup.controllers`, 'utf8').trim().split(/\s+/);
  if (offered.includes('cpu')) writeFileSync(`${folder}/cgroup.subtree_control`, '+cpu');
}

function sweepLeftovers(base: string): void {
  for (const name of childGroups(base)) {
    const [, pid, started] = OWN_NAME.exec(name) ?? [];
    if (pid === undefined || readStartTime(pid) === started) continue;
    for (const child of childGroups(`${base}/${name}`)) removeIfEmpty(`${base}/${name}/${child}`);
    removeIfEmpty(`${base}/${name}`);
  }
}

function childGroups(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

/** A group with processes, or one that the system is still clearing, resists; the next server tries again. */
function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!['ENOENT', 'EBUSY', 'ENOTEMPTY'].includes(readErrorCode(error) ?? '')) throw error;
  }
}

/** When a process was started, as the system writes it; `undefined` for one that has ended. */
function readStartTime(pid: string): string | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.started;
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(readErrorCode(error) ?? '')) return undefined;
    throw error;
  }
}
