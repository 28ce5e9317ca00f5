import type { JsonObject } from '../../../domain/harness-event.js';
import type { Prompt } from '../../../domain/prompt.js';
import type { HarnessThread } from '../../harness.js';
import { uploadFolder, writeUploads } from '../../prompt/uploads.js';
import { toPiInput } from '../process/input.js';

/** The fields of `prompt` and `steer` for a message, whose files are there then. */
export async function deliverInput(
  thread: Pick<HarnessThread, 'files' | 'folders'>,
  prompt: Prompt,
): Promise<{ readonly message: string; readonly images: readonly JsonObject[] }> {
  const { message, images, uploads } = toPiInput(prompt, uploadFolder(thread));
  await writeUploads(thread.files, uploads);
  return { message, images };
}
