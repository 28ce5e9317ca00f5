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

/** A folder that a test and its agents share, in every kind of sandbox. */
export interface SharedFolder {
  /** Where it is, on the machine and for agents. */
  readonly path: string;
  /** What the server has to be started with. */
  readonly setting: { readonly CHIRON_SANDBOX_MOUNTS: string };
}

/** A new, empty folder that agents see at the same path and write to, once the server has its setting. */
export async function newSharedFolder(purpose: string): Promise<SharedFolder> {
  const path = await newFolder(purpose);
  // Isolated agents are users of their own.
  await chmod(path, 0o777);
  return { path, setting: { CHIRON_SANDBOX_MOUNTS: `${path}:rw` } };
}

/** Removes what {@link newFolder} made in this test file. */
export async function removeFolders(): Promise<void> {
  // A program that was just stopped may still write a last file.
  await Promise.all(made.splice(0).map((folder) => rm(folder, { recursive: true, force: true, maxRetries: 5 })));
}
