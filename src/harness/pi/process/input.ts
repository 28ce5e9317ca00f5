import type { JsonObject } from '../../../domain/harness-event.js';
import { asString } from '../../../domain/json.js';
import type { Prompt } from '../../../domain/prompt.js';
import { findUploads, type PromptPart, toPromptParts, type Upload } from '../../prompt/prompt-parts.js';

/** A prompt as pi's RPC mode takes it. */
export interface PiInput {
  readonly message: string;
  readonly images: readonly JsonObject[];
  readonly uploads: readonly Upload[];
}

/** A prompt as parts of a message of pi: texts and images, as {@link toPromptParts} reduces it. */
export function toPiContent(
  prompt: Prompt,
  uploadFolder: string,
): { readonly content: readonly JsonObject[]; readonly uploads: readonly Upload[] } {
  const parts = toPromptParts(prompt, uploadFolder);
  return { content: parts.map(toPart), uploads: findUploads(parts) };
}

/** Turns a prompt into the fields of `prompt` and `steer`, which have one text and any number of images. */
export function toPiInput(prompt: Prompt, folder: string): PiInput {
  const { content, uploads } = toPiContent(prompt, folder);
  return {
    message: content.flatMap((part) => asString(part['text']) ?? []).join('\n\n'),
    images: content.filter((part) => part['type'] === 'image'),
    uploads,
  };
}

function toPart(part: PromptPart): JsonObject {
  return part.type === 'text'
    ? { type: 'text', text: part.text }
    : { type: 'image', data: part.data, mimeType: part.mediaType };
}
