import { basename } from 'node:path';
import type { ThreadFiles } from '../../../sandbox/files/thread-files.js';
import type { Upload } from '../app-server/input.js';

/** Writes the files that a prompt or a result refers to. */
export async function writeUploads(files: ThreadFiles, uploads: readonly Upload[]): Promise<void> {
  for (const { path, bytes } of uploads) await files.write(`server/uploads/${basename(path)}`, bytes);
}
