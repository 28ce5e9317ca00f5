import type { Stats } from 'node:fs';
import { chmod, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { copyEntries } from './copy-tree.js';
import { openFolderBelow, SERVER_FOLDER } from './folder-handle.js';
import { ThreadFiles } from './thread-files.js';

const TEMPORARY = 'tmp';
/** The folders that every thread has, whatever its agent did to them. */
const FOLDERS = ['workspace', TEMPORARY, SERVER_FOLDER, 'home'];

/** Copies the folders of a thread, without what its programs have left in the temporary one. */
export async function copyFolders(from: string, draft: string): Promise<number> {
  let tooDeep = 0;
  for (const name of FOLDERS.filter((folder) => folder !== TEMPORARY)) {
    const source = await openFolderBelow(from, [name], true);
    const target = await openFolderBelow(draft, [name], true);
    try {
      tooDeep += await copyEntries(source, target);
    } finally {
      await Promise.all([source.close(), target.close()]);
    }
  }
  return tooDeep;
}

/** Lets other users through folders, to those folders in them that are theirs. They cannot list them. */
export async function letPass(folders: ReadonlySet<string>): Promise<void> {
  for (const folder of folders) {
    const { mode } = await stat(folder);
    if ((mode & 0o001) === 0) await chmod(folder, (mode & 0o777) | 0o001);
  }
}

/** Makes the folders of a thread in a folder that is empty, and that only the server can enter. */
export async function makeEmptyFolders(draft: string, homeFolders: readonly string[]): Promise<void> {
  for (const name of listFolders(homeFolders)) await mkdir(join(draft, name), { mode: 0o700 });
}

/** Makes what the folders of a thread lack, and puts the rights of all of them right. What is no folder is set aside. */
export async function makeFolders(thread: string, homeFolders: readonly string[]): Promise<void> {
  const files = new ThreadFiles(thread);
  // One after the other: two of them are in the same home.
  for (const folder of listFolders(homeFolders)) await files.makeFolder(folder);
}

/** The names of a thread's folders, with these in its home, below its own. A folder comes before what is in it. */
export function listFolders(homeFolders: readonly string[]): readonly string[] {
  return [...FOLDERS, ...homeFolders.map((name) => `home/${name}`)];
}

/** Whether an entry is a folder with the rights that `openToUser` would give it; `user` is whose the thread's folder is. */
export function hasRights(
  entry: Stats,
  isServers: boolean,
  { user, server = user }: { readonly user: number | undefined; readonly server: number | undefined },
): boolean {
  const { uid, gid, mode } = entry;
  const rights = mode & 0o777;
  if (!entry.isDirectory()) return false;
  if (server === user) return rights === 0o700;
  if (isServers) return uid === server && gid === user && rights === 0o750;
  // One of the server's keeps files of the deployment.
  return uid === user ? rights === 0o700 : true;
}
