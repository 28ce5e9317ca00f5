import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { JsonObject } from '../../../domain/harness-event.js';
import { describeFile } from '../../../domain/file-block.js';
import type { Prompt, PromptBlock, PromptSource } from '../../../domain/prompt.js';

/** A file that must be there before the turn starts. */
export interface Upload {
  readonly path: string;
  readonly bytes: Buffer;
}

/** A prompt as Codex takes it. */
export interface CodexInput {
  /** `UserInput[]` of `turn/start`. */
  readonly input: readonly JsonObject[];
  readonly uploads: readonly Upload[];
}

/**
 * Turns a prompt into Codex's input. Codex takes texts and images only: the text of a document is quoted, other documents become
 * files in `uploadFolder`, named by their content so that a retry writes the same ones, and are mentioned by path.
 */
export function toCodexInput(prompt: Prompt, uploadFolder: string): CodexInput {
  const parts = prompt.map((block) => toPart(block, uploadFolder));
  return { input: parts.map((part) => part.item), uploads: parts.flatMap((part) => part.upload ?? []) };
}

interface Part {
  readonly item: JsonObject;
  readonly upload?: Upload;
}

function toPart(block: PromptBlock, uploadFolder: string): Part {
  switch (block.type) {
    case 'text':
      return { item: text(block.text) };
    case 'image':
      return { item: toImage(block.source) };
    case 'document':
      return toDocument(block, uploadFolder);
    case 'file':
      return { item: text(describeFile(block)) };
    default: {
      const never: never = block;
      return never;
    }
  }
}

function toImage(source: PromptSource): JsonObject {
  switch (source.type) {
    case 'base64':
      return { type: 'image', url: `data:${source.media_type};base64,${source.data}` };
    case 'url':
      // Codex 0.169.0 refuses them: "remote image URLs are not supported" (seen).
      return text(`An image is at ${source.url}`);
    case 'text':
      return text(source.data);
    default: {
      const never: never = source;
      return never;
    }
  }
}

function toDocument(block: Extract<PromptBlock, { type: 'document' }>, uploadFolder: string): Part {
  const { source } = block;
  const title = block.title ?? '';
  const name = title === '' ? 'A document' : `The document ${JSON.stringify(title)}`;
  const context = block.context === undefined || block.context === null ? '' : `\n${block.context}`;
  switch (source.type) {
    case 'text':
      return { item: text(`${name}:${context}\n\n${source.data}`) };
    case 'url':
      return { item: text(`${name} is at ${source.url}${context}`) };
    case 'base64': {
      const upload = toUpload(source, uploadFolder);
      return { item: text(`${name} is in the file ${upload.path}${context}`), upload };
    }
    default: {
      const never: never = source;
      return never;
    }
  }
}

const EXTENSIONS: Readonly<Record<string, string>> = { 'application/pdf': '.pdf', 'text/plain': '.txt' };

function toUpload(source: Extract<PromptSource, { type: 'base64' }>, uploadFolder: string): Upload {
  const bytes = Buffer.from(source.data, 'base64');
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
  return { path: join(uploadFolder, `${hash}${EXTENSIONS[source.media_type] ?? ''}`), bytes };
}

function text(content: string): JsonObject {
  return { type: 'text', text: content, text_elements: [] };
}
