import { closeSync, lstatSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describeFileError, readErrorCode } from '../errors.js';
import { readStartTime } from './process-table.js';

/** Where the servers of a machine see each other's claims: the second one where the file system of the first is read-only, as in some containers. */
const FOLDERS = ['/run/chiron/users', '/tmp/chiron-users'];

/** `<user id>.<pid of the server>.<its start time>.<the server's id>` */
const CLAIM = /^(\d+)\.(\d+)\.(\d+)\.([\w-]+)$/;

/**
 * The user ids that servers of this machine use for their threads: one file for each, in a folder of root's. An id counts as another server's while
 * that one lives, and while what it has left is still being killed, as all processes of a user are then. So no two servers give the same id,
 * whatever their ranges are.
 */
export class UserClaims {
  readonly #folder: string | undefined;
  readonly #held = new Set<number>();
  readonly #owner: string;

  /**
   * @param serverId what the server's reaper has in its command line, as `CHIRON_SERVER=<id>`
   * @param warn is told once if no claims can be made: then every id counts as free
   */
  constructor(serverId: string, warn: (text: string) => void, folders: readonly string[] = FOLDERS) {
    this.#owner = `${process.pid}.${readStartTime('self') ?? '0'}.${serverId}`;
    const problems: string[] = [];
    this.#folder = folders.find((folder) => {
      const problem = findFolderProblem(folder);
      if (problem !== undefined) problems.push(problem);
      return problem === undefined;
    });
    if (this.#folder === undefined) {
      warn(`user ids are not kept apart from those of other servers on this machine: ${problems.join('; ')}`);
    }
  }

  /** Claims an id for this server; false if another one has it. */
  claim(userId: number): boolean {
    if (this.#folder === undefined || this.#held.has(userId)) return true;
    const own = join(this.#folder, `${userId}.${this.#owner}`);
    closeSync(openSync(own, 'a', 0o600));
    // Of two that claim at once, each sees the other: one of them, or both, go on to another id.
    if (this.#others(userId).some((claim) => this.#isAlive(claim))) {
      rmSync(own, { force: true });
      return false;
    }
    this.#held.add(userId);
    return true;
  }

  /** Gives an id back. */
  release(userId: number): void {
    if (this.#folder !== undefined && this.#held.delete(userId)) {
      rmSync(join(this.#folder, `${userId}.${this.#owner}`), { force: true });
    }
  }

  /** Gives all ids back. */
  close(): void {
    for (const userId of this.#held) this.release(userId);
  }

  #others(userId: number): readonly string[] {
    const prefix = `${userId}.`;
    const own = `${prefix}${this.#owner}`;
    return readdirSync(this.#folder ?? '').filter((name) => name.startsWith(prefix) && name !== own);
  }

  /** Whether a claim counts. Nobody makes one of a dead server again, so that it can be removed. */
  #isAlive(claim: string): boolean {
    const [, , pid = '', started, serverId = ''] = CLAIM.exec(claim) ?? [];
    if (readStartTime(pid) === started || isBeingKilled(serverId)) return true;
    rmSync(join(this.#folder ?? '', claim), { force: true });
    return false;
  }
}

function findFolderProblem(folder: string): string | undefined {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = lstatSync(folder);
    const isOurs = lstatSync(folder).isDirectory() && uid === process.geteuid?.() && (mode & 0o022) === 0;
    return isOurs ? undefined : `${folder} belongs to others`;
  } catch (error) {
    return describeFileError(error);
  }
}

/** Whether the reaper of a server lives. */
function isBeingKilled(serverId: string): boolean {
  const marker = `CHIRON_SERVER=${serverId}`;
  return readdirSync('/proc').some((name) => /^\d+$/.test(name) && readCommandLine(name).includes(marker));
}

function readCommandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes(readErrorCode(error) ?? '')) return '';
    throw error;
  }
}
