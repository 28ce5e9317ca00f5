import { mkdir, open, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { readErrorCode } from '../errors.js';

/** A claim that is younger may be of a thread that is being made. */
const MIN_AGE_MS = 86_400_000;

/**
 * Keeps two servers that share a folder from giving one user id to two threads at once: each id is a file, which only one of them can make. The
 * claim of a thread that was removed goes when ids run out.
 */
export class UserIdClaims {
  /** @param folder that of the claims, which all servers have; made when it is needed */
  constructor(private readonly folder: string) {}

  /** Claims an id. False if it is claimed already. */
  async take(id: number): Promise<boolean> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    try {
      // O_EXCL also holds on NFS (since version 3).
      const claim = await open(join(this.folder, String(id)), 'wx', 0o600);
      await claim.close();
      return true;
    } catch (error) {
      if (readErrorCode(error) === 'EEXIST') return false;
      throw error;
    }
  }

  /**
   * The ids that are claimed. Gives up old claims of ids that nobody has.
   *
   * @param owners the ids that threads have
   */
  async list(owners: ReadonlySet<number>): Promise<readonly number[]> {
    const claimed: number[] = [];
    for (const name of await readdir(this.folder).catch(noneIfMissing)) {
      const id = Number(name);
      if (owners.has(id) || !(await this.#giveUpOld(join(this.folder, name)))) claimed.push(id);
    }
    return claimed;
  }

  async #giveUpOld(claim: string): Promise<boolean> {
    try {
      if (Date.now() - (await stat(claim)).mtimeMs < MIN_AGE_MS) return false;
      await unlink(claim);
      return true;
    } catch (error) {
      // Another server has given it up.
      if (readErrorCode(error) === 'ENOENT') return true;
      throw error;
    }
  }
}

function noneIfMissing(error: unknown): readonly string[] {
  if (readErrorCode(error) === 'ENOENT') return [];
  throw error;
}
