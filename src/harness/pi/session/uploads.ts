import { basename, join } from 'node:path';
import type { JsonObject } from '../../../domain/harness-event.js';
import type { Prompt } from '../../../domain/prompt.js';
import type { HarnessThread } from '../../harness.js';
import { type PiUpload, toPiInput } from '../process/input.js';

/** Where what pi cannot be sent is put for the agent. */
export function toUploadFolder({ folders }: Pick<HarnessThread, 'folders'>): string {
  return join(folders.server, 'uploads');
}

/** Writes the files that a message refers to. */
export async function writePiUploads(
  { files }: Pick<HarnessThread, 'files'>,
  uploads: readonly PiUpload[],
): Promise<void> {
  for (const { path, bytes } of uploads) await files.write(`server/uploads/${basename(path)}`, bytes);
}

/** The fields of `prompt` and `steer` for a message, whose files are there then. */
export async function deliverInput(
  thread: Pick<HarnessThread, 'files' | 'folders'>,
  prompt: Prompt,
): Promise<{ readonly message: string; readonly images: readonly JsonObject[] }> {
  const { message, images, uploads } = toPiInput(prompt, toUploadFolder(thread));
  await writePiUploads(thread, uploads);
  return { message, images };
}
