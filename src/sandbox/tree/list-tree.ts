import { opendir } from 'node:fs/promises';
import { type FolderHandle, openFolder, openFolderBelow, withPermission } from '../files/folder-handle.js';
import { readEntry, type TreeEntry, undefinedIfGone } from './walk-tree.js';

/** More names of one folder are not looked at: they are sorted in memory. */
const MAX_NAMES = 100_000;

/** Deeper folders are not entered: each open level takes a file descriptor of the server. */
const MAX_DEPTH = 100;

/** Which entries of a folder are listed. */
export interface TreeListing {
  readonly limit: number;
  /** Those after this path, relative to the folder, in the order of the list. */
  readonly after: readonly string[] | undefined;
  /** Whether what is in its folders is listed, too. */
  readonly isRecursive: boolean;
}

/**
 * Lists the entries of a folder, sorted by their names, each folder before what is in it. Follows no link. Costs as much as the page and the folders on the
 * way to it. Empty if the folder is not there.
 *
 * @param root absolute path of the thread's folder
 * @param names of the folder, below it
 */
export async function listTree(
  root: string,
  names: readonly string[],
  { limit, after, isRecursive }: TreeListing,
): Promise<readonly TreeEntry[]> {
  const entries: TreeEntry[] = [];

  async function list(folder: FolderHandle, prefix: string, from: readonly string[] | undefined, depth: number) {
    const [first] = from ?? [];
    for (const name of await readNames(folder)) {
      if (entries.length >= limit) return;
      if (first !== undefined && name < first) continue;
      const isPassed = name === first;
      const entry = await readEntry(folder, name, `${prefix}${name}`);
      if (entry === undefined) continue;
      if (!isPassed) entries.push(entry);
      if (!isRecursive || entry.kind !== 'folder' || depth >= MAX_DEPTH) continue;
      const below = await withPermission(folder, () => openFolder(`${folder.path}/${name}`)).catch(undefinedIfGone);
      if (below === undefined) continue;
      try {
        await list(below, `${prefix}${name}/`, isPassed ? from?.slice(1) : undefined, depth + 1);
      } finally {
        await below.close();
      }
    }
  }

  const top = await openFolderBelow(root, names, false).catch(undefinedIfGone);
  if (top === undefined) return [];
  try {
    await list(top, '', after, 1);
  } finally {
    await top.close();
  }
  return entries;
}

async function readNames(folder: FolderHandle): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { name } of await withPermission(folder, () => opendir(folder.path))) {
    if (names.length >= MAX_NAMES) break;
    names.push(name);
  }
  return names.sort();
}
