import { basename, join } from 'node:path';
import type { ThreadFiles } from '../../sandbox/files/thread-files.js';
import type { HarnessThread } from '../harness.js';
import type { Upload } from './prompt-parts.js';

/** Where what an agent cannot be sent is put for it. */
export function uploadFolder({ folders }: Pick<HarnessThread, 'folders'>): string {
  return join(folders.server, 'uploads');
}

/** Writes the files that a prompt or a result refers to. */
export async function writeUploads(files: ThreadFiles, uploads: readonly Upload[]): Promise<void> {
  for (const { path, bytes } of uploads) await files.write(`server/uploads/${basename(path)}`, bytes);
}
