import type { JsonObject } from '../../../domain/harness-event.js';
import type { Prompt } from '../../../domain/prompt.js';
import { findUploads, type PromptPart, toPromptParts, type Upload } from '../../prompt/prompt-parts.js';

/** A prompt as Codex takes it. */
export interface CodexInput {
  /** `UserInput[]` of `turn/start`. */
  readonly input: readonly JsonObject[];
  readonly uploads: readonly Upload[];
}

/** Turns a prompt into Codex's input, as {@link toPromptParts} reduces it. */
export function toCodexInput(prompt: Prompt, uploadFolder: string): CodexInput {
  const parts = toPromptParts(prompt, uploadFolder);
  return { input: parts.map(toInputItem), uploads: findUploads(parts) };
}

function toInputItem(part: PromptPart): JsonObject {
  return part.type === 'text'
    ? { type: 'text', text: part.text, text_elements: [] }
    : { type: 'image', url: `data:${part.mediaType};base64,${part.data}` };
}
