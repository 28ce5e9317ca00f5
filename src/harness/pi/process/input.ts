import type { JsonObject } from '../../../domain/harness-event.js';
import type { Prompt } from '../../../domain/prompt.js';
import { asString } from '../../../domain/json.js';
import { toCodexInput, type Upload } from '../../codex/app-server/input.js';

/** A file that must be there before the agent is told of it. */
export type PiUpload = Upload;

/** A prompt as pi's RPC mode takes it. */
export interface PiInput {
  readonly message: string;
  readonly images: readonly JsonObject[];
  readonly uploads: readonly PiUpload[];
}

/** A prompt as parts of a message of pi: texts and images. Documents become files in `uploadFolder`, and are mentioned by path. */
export function toPiContent(
  prompt: Prompt,
  uploadFolder: string,
): { readonly content: readonly JsonObject[]; readonly uploads: readonly PiUpload[] } {
  const { input, uploads } = toCodexInput(prompt, uploadFolder);
  return { content: input.map(toPart), uploads };
}

/** Turns a prompt into the fields of `prompt` and `steer`, which have one text and any number of images. */
export function toPiInput(prompt: Prompt, uploadFolder: string): PiInput {
  const { content, uploads } = toPiContent(prompt, uploadFolder);
  return {
    message: content.flatMap((part) => asString(part['text']) ?? []).join('\n\n'),
    images: content.filter((part) => part['type'] === 'image'),
    uploads,
  };
}

function toPart(item: JsonObject): JsonObject {
  const [, mimeType, data] = /^data:([^;]*);base64,(.*)$/s.exec(asString(item['url']) ?? '') ?? [];
  if (mimeType !== undefined && data !== undefined) return { type: 'image', data, mimeType };
  return { type: 'text', text: asString(item['text']) ?? '' };
}
