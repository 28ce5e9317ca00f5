import type { ThreadFiles } from '../sandbox/files/thread-files.js';
import type { TreeEntry } from '../sandbox/tree/walk-tree.js';
import { SnapshotError, type SnapshotExtent } from './thread-snapshots.js';

/** What a snapshot may have at most. */
export interface SnapshotLimits {
  /** Of all files, before they are compressed. */
  readonly bytes: number;
  readonly entries: number;
}

/** What a snapshot leaves out, and what it has in any case. */
export interface SnapshotContents {
  /** Whether a path is left out, with all that is below it. */
  readonly isLeftOut: (path: string) => boolean;
  /** Folders of the agents' records, below the thread's folder. */
  readonly recordFolders: readonly string[];
  readonly limits: SnapshotLimits;
}

/** What the next snapshot of a thread will have. */
export interface FileScan {
  readonly extent: SnapshotExtent;
  /** Folders before what is in them. */
  readonly entries: readonly TreeEntry[];
  /** Folders that were nested too deeply. */
  readonly tooDeep: number;
}

/** The folders without the workspace. `server` has what the agents' records name, such as uploads. */
const HOME_FOLDERS = ['home', 'server'];

/**
 * Finds what a snapshot of a thread will have: everything, or as much of it as the limits allow.
 *
 * @throws SnapshotError if even the agents' records are above the limits
 */
export async function scanFiles(files: ThreadFiles, contents: SnapshotContents): Promise<FileScan> {
  const home = new Scan(files, contents);
  if (!(await home.add(HOME_FOLDERS))) {
    const records = new Scan(files, contents, contents.recordFolders);
    if (await records.add(HOME_FOLDERS)) return records.result('records');
    throw new SnapshotError('the records of the thread’s agent are above the limit of a snapshot');
  }
  const homeOnly = home.result('home');
  return (await home.add(['workspace'])) ? home.result('all') : homeOnly;
}

/** Ends a walk. */
class OverLimitError extends Error {}

class Scan {
  readonly #entries: TreeEntry[] = [];
  #bytes = 0;
  #tooDeep = 0;

  /** @param only the only folders of the home that count; absent for all */
  constructor(
    private readonly files: ThreadFiles,
    private readonly contents: SnapshotContents,
    private readonly only?: readonly string[],
  ) {}

  /** False if it is too much. */
  async add(folders: readonly string[]): Promise<boolean> {
    try {
      for (const folder of folders) {
        const { tooDeep } = await this.files.walk(folder, (entry) => this.#visit(entry));
        this.#tooDeep += tooDeep;
      }
      return true;
    } catch (error) {
      if (error instanceof OverLimitError) return false;
      throw error;
    }
  }

  result(extent: SnapshotExtent): FileScan {
    return { extent, entries: [...this.#entries], tooDeep: this.#tooDeep };
  }

  #visit(entry: TreeEntry): boolean {
    const { isLeftOut, limits } = this.contents;
    if (isLeftOut(entry.path) || !this.#isWanted(entry.path)) return false;
    this.#bytes += entry.size;
    this.#entries.push(entry);
    if (this.#bytes > limits.bytes || this.#entries.length > limits.entries) throw new OverLimitError();
    return true;
  }

  #isWanted(path: string): boolean {
    if (this.only === undefined || path === 'home' || !path.startsWith('home/')) return true;
    return this.only.some((folder) => path === folder || path.startsWith(`${folder}/`));
  }
}
