import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readErrorCode } from '../errors.js';

/** What the programs of a thread may have at once; `undefined` for no limit. */
export interface ThreadLimits {
  readonly memoryBytes: number | undefined;
  /** Processes and threads together, as the kernel counts them. */
  readonly processes: number | undefined;
  readonly openFiles: number | undefined;
}

/** A group of processes that share limits. */
export interface ProcessGroup {
  /** Puts a process into it, before its program begins; what the process starts is in it, too. */
  add(pid: number): void;
  /** Removes it once its processes are gone. */
  remove(): Promise<void>;
}

/** Begins the names of our groups, so that a later server finds those of one that was killed. */
const PREFIX = 'chiron-thread-';

/** The kernel counts a process that has ended for a moment. */
const REMOVE_ROUNDS = 50;
const REMOVE_PAUSE_MS = 20;

/** The folders of a hierarchy in which groups are made, with the files of each limit. */
interface Hierarchy {
  readonly folders: readonly string[];
  readonly memoryFiles: readonly string[];
}

const ROOT = '/sys/fs/cgroup';

/** Makes control groups, where the server may: as root, or below a group that a service manager has delegated to it. */
export class Cgroups {
  readonly #hierarchy: Hierarchy | undefined;

  constructor(root: string = ROOT, ownGroups: string = readOwnGroups()) {
    this.#hierarchy = findSecondVersion(root, ownGroups) ?? findFirstVersion(root, ownGroups);
  }

  /** Whether limits of memory can be set. */
  get isUsable(): boolean {
    return this.#hierarchy !== undefined;
  }

  /**
   * Makes a group with these limits; `undefined` where groups cannot be made.
   *
   * @throws if the system refuses it, as when it has too many groups
   */
  create(name: string, { memoryBytes, processes }: ThreadLimits): ProcessGroup | undefined {
    if (this.#hierarchy === undefined) return undefined;
    const { folders, memoryFiles } = this.#hierarchy;
    const groups = folders.map((folder) => join(folder, `${PREFIX}${name}`));
    for (const group of groups) {
      mkdirSync(group);
      writeIfThere(group, ['pids.max'], processes);
      writeIfThere(group, memoryFiles, memoryBytes);
      // Else a program above its memory would go on, slowly, in the swap space.
      writeIfThere(group, ['memory.swap.max'], memoryBytes === undefined ? undefined : 0);
    }
    return {
      add: (pid) => {
        for (const group of groups) writeFileSync(join(group, 'cgroup.procs'), String(pid));
      },
      remove: async () => {
        for (const group of groups) await removeGroup(group);
      },
    };
  }

  /** Removes empty groups of a server that was killed. */
  async sweep(): Promise<void> {
    for (const folder of this.#hierarchy?.folders ?? []) {
      for (const name of await readdir(folder)) {
        // One that is not empty belongs to a server that runs.
        if (name.startsWith(PREFIX)) await rmdir(join(folder, name)).catch(ignoreBusy);
      }
    }
  }
}

/** Version 2: one hierarchy. Only a group without processes of its own may limit others, so the server moves to a group beside them. */
function findSecondVersion(root: string, ownGroups: string): Hierarchy | undefined {
  if (!existsSync(join(root, 'cgroup.controllers'))) return undefined;
  const own = join(root, /^0::(.*)$/m.exec(ownGroups)?.[1] ?? '/');
  try {
    const server = join(own, 'chiron-server');
    mkdirSync(server, { recursive: true });
    writeFileSync(join(server, 'cgroup.procs'), String(process.pid));
    writeFileSync(join(own, 'cgroup.subtree_control'), '+memory +pids');
    return { folders: [own], memoryFiles: ['memory.max'] };
  } catch {
    // Not delegated to this server, or other processes are in the group. The start-up summary says that limits do not hold.
    return undefined;
  }
}

/** Version 1: a hierarchy for each controller. */
function findFirstVersion(root: string, ownGroups: string): Hierarchy | undefined {
  const folders = ['memory', 'pids'].map((controller) => {
    const path = new RegExp(`^\\d+:(?:[^:]*,)?${controller}(?:,[^:]*)?:(.*)$`, 'm').exec(ownGroups)?.[1];
    return path === undefined ? undefined : join(root, controller, path);
  });
  const usable = folders.filter((folder) => folder !== undefined && isWritable(folder));
  return usable.length === folders.length
    ? { folders: usable.filter((folder) => folder !== undefined), memoryFiles: ['memory.limit_in_bytes'] }
    : undefined;
}

function readOwnGroups(): string {
  try {
    return readFileSync('/proc/self/cgroup', 'utf8');
  } catch {
    // No Linux: there are no groups.
    return '';
  }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function writeIfThere(group: string, files: readonly string[], value: number | undefined): void {
  if (value === undefined) return;
  for (const file of files) if (existsSync(join(group, file))) writeFileSync(join(group, file), String(value));
}

async function removeGroup(group: string): Promise<void> {
  for (let round = 0; round < REMOVE_ROUNDS; round += 1) {
    try {
      rmdirSync(group);
      return;
    } catch (error) {
      if (readErrorCode(error) === 'ENOENT') return;
      if (readErrorCode(error) !== 'EBUSY') throw error;
      await delay(REMOVE_PAUSE_MS);
    }
  }
}

function ignoreBusy(error: unknown): void {
  if (!['EBUSY', 'ENOENT', 'ENOTEMPTY'].includes(readErrorCode(error) ?? '')) throw error;
}
