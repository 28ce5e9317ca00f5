import type { JsonObject } from '../../../domain/harness-event.js';
import type { Prompt } from '../../../domain/prompt.js';
import { findUploads, type PromptPart, toPromptParts, type Upload } from '../../prompt/prompt-parts.js';

/** A prompt as an agent takes it. */
export interface AcpPrompt {
  /** `ContentBlock[]` of `session/prompt`. */
  readonly blocks: readonly JsonObject[];
  readonly uploads: readonly Upload[];
}

/** Turns a prompt into blocks of the protocol, as {@link toPromptParts} reduces it. */
export function toAcpPrompt(prompt: Prompt, uploadFolder: string, takesImages: boolean): AcpPrompt {
  const parts = toPromptParts(prompt, uploadFolder, takesImages);
  return { blocks: parts.map(toBlock), uploads: findUploads(parts) };
}

function toBlock(part: PromptPart): JsonObject {
  return part.type === 'text'
    ? { type: 'text', text: part.text }
    : { type: 'image', mimeType: part.mediaType, data: part.data };
}
