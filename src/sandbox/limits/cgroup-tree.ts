import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { describeFileError, readErrorCode } from '../errors.js';
import { readStartTime } from '../host/process-table.js';
import { type CgroupLayout, findCgroupLayout, SERVER_GROUP } from './cgroup-layout.js';
import { ThreadCgroup } from './thread-cgroup.js';
import type { KernelLimits } from './process-limits.js';

/** What a folder of control groups is for. */
export type CgroupController = 'memory' | 'pids' | 'cpuacct' | 'unified';

/** A folder in which groups can be made. */
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

/**
 * The control groups of this server: one group for all its agents, in it one per thread with the limits, and in that one per process start
 * (`chiron-…/<thread>/<process>`).
 */
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
      if (layout.version === 2) enableControllers(`${path}/${tree.#name}`, offeredIn(path));
    }
    return tree;
  }

  /** Whether this server can limit with this controller. */
  has(controller: 'memory' | 'pids'): boolean {
    return this.folders.some((folder) => folder.controller === controller || folder.controller === 'unified');
  }

  /** The groups of all threads, one for each controller. Each of them has all processes. */
  get paths(): readonly string[] {
    return this.folders.map(({ path }) => `${path}/${this.#name}`);
  }

  /** Whether it counts processor time. */
  get countsCpu(): boolean {
    return this.folders.some(({ controller }) => controller === 'cpuacct' || controller === 'unified');
  }

  /** The group for a thread, which is made when its first process enters it. */
  group(threadId: string, limits: KernelLimits): ThreadCgroup {
    const folders = this.folders.map(({ controller, path }) => ({
      controller,
      path: `${path}/${this.#name}/${threadId}`,
    }));
    return new ThreadCgroup(folders, limits, this.warn);
  }

  /** Removes this server's groups. Call it after the last process has ended; what is not empty is left to the next server. */
  close(): void {
    for (const path of this.paths) removeGroups(path);
  }
}

function legacyBases({ memory, pids, cpuacct }: CgroupLayout & { readonly version: 1 }): readonly CgroupFolder[] {
  return Object.entries({ memory, pids, cpuacct }).flatMap(([controller, path]) =>
    path === undefined ? [] : [{ controller: controller as CgroupController, path }],
  );
}

/** Makes it possible to limit groups below `base`: a group with limited children may have no processes of its own (cgroups(7)). */
function unifiedBase(base: string): CgroupFolder {
  const offered = offeredIn(base);
  if (!offered.includes('memory') || !offered.includes('pids')) {
    throw new Error('the controllers memory and pids are not delegated');
  }
  // The system's root group has no type, is free of the rule, and holds processes of everybody.
  if (existsSync(`${base}/cgroup.type`)) moveToServerGroup(base);
  enableControllers(base, offered);
  return { controller: 'unified', path: base };
}

function moveToServerGroup(base: string): void {
  mkdirSync(`${base}/${SERVER_GROUP}`, { recursive: true });
  for (const pid of readFileSync(`${base}/cgroup.procs`, 'utf8').split('\n').filter(Boolean)) {
    writeFileSync(`${base}/${SERVER_GROUP}/cgroup.procs`, pid);
  }
}

/** The controllers that the groups below one can have, if that enables them. */
function offeredIn(folder: string): readonly string[] {
  return readFileSync(`${folder}/cgroup.controllers`, 'utf8').trim().split(/\s+/);
}

/** `cpu` shares the processors evenly among the threads; not every service manager delegates it. */
function enableControllers(folder: string, offered: readonly string[]): void {
  const wanted = ['memory', 'pids', 'cpu'].filter((name) => offered.includes(name));
  writeFileSync(`${folder}/cgroup.subtree_control`, wanted.map((name) => `+${name}`).join(' '));
}

function sweepLeftovers(base: string): void {
  for (const name of childGroups(base)) {
    const [, pid, started] = OWN_NAME.exec(name) ?? [];
    if (pid === undefined || readStartTime(pid) === started) continue;
    removeGroups(`${base}/${name}`);
  }
}

/** Removes a group with all groups in it, but for those that have processes. */
function removeGroups(folder: string): void {
  for (const name of childGroups(folder)) removeGroups(`${folder}/${name}`);
  removeIfEmpty(folder);
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
