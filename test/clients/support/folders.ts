import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made: string[] = [];

/** A new, empty folder, its path without links; {@link removeFolders} removes it. */
export async function newFolder(purpose: string): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), `chiron-clients-${purpose}-`)));
  // The users of isolated threads pass through it.
  await chmod(folder, 0o711);
  made.push(folder);
  return folder;
}

/** Removes what {@link newFolder} made in this test file. */
export async function removeFolders(): Promise<void> {
  // A program that was just stopped may still write a last file.
  await Promise.all(made.splice(0).map((folder) => rm(folder, { recursive: true, force: true, maxRetries: 5 })));
}
