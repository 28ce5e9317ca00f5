import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describeFile } from '../../domain/file-block.js';
import type { Prompt, PromptBlock, PromptSource } from '../../domain/prompt.js';

/** A file that must be there before the turn starts. */
export interface Upload {
  readonly path: string;
  readonly bytes: Buffer;
}

/** A part of a prompt for an agent that takes texts and images only. */
export type PromptPart =
  | { readonly type: 'text'; readonly text: string; readonly upload?: Upload }
  /** `data` in base64. */
  | { readonly type: 'image'; readonly mediaType: string; readonly data: string };

/**
 * Reduces a prompt to texts and images: the text of a document is quoted, other documents become files in `uploadFolder`, named by their content so
 * that a retry writes the same ones, and are mentioned by path. Images that are elsewhere are mentioned by address.
 *
 * @param takesImages false for an agent that takes no images either: they become files, too
 */
export function toPromptParts(prompt: Prompt, uploadFolder: string, takesImages = true): readonly PromptPart[] {
  return prompt.map((block) => toPart(block, uploadFolder, takesImages));
}

/** The files that the parts mention. */
export function findUploads(parts: readonly PromptPart[]): readonly Upload[] {
  return parts.flatMap((part) => (part.type === 'text' ? (part.upload ?? []) : []));
}

function toPart(block: PromptBlock, uploadFolder: string, takesImages: boolean): PromptPart {
  switch (block.type) {
    case 'text':
      return text(block.text);
    case 'image':
      return toImage(block.source, uploadFolder, takesImages);
    case 'document':
      return toDocument(block, uploadFolder);
    case 'file':
      return text(describeFile(block));
    default: {
      const never: never = block;
      return never;
    }
  }
}

function toImage(source: PromptSource, uploadFolder: string, takesImages: boolean): PromptPart {
  switch (source.type) {
    case 'base64': {
      if (takesImages) return { type: 'image', mediaType: source.media_type, data: source.data };
      const upload = toUpload(source, uploadFolder);
      return { ...text(`An image is in the file ${upload.path}`), upload };
    }
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

function toDocument(block: Extract<PromptBlock, { type: 'document' }>, uploadFolder: string): PromptPart {
  const { source } = block;
  const title = block.title ?? '';
  const name = title === '' ? 'A document' : `The document ${JSON.stringify(title)}`;
  const context = block.context === undefined || block.context === null ? '' : `\n${block.context}`;
  switch (source.type) {
    case 'text':
      return text(`${name}:${context}\n\n${source.data}`);
    case 'url':
      return text(`${name} is at ${source.url}${context}`);
    case 'base64': {
      const upload = toUpload(source, uploadFolder);
      return { ...text(`${name} is in the file ${upload.path}${context}`), upload };
    }
    default: {
      const never: never = source;
      return never;
    }
  }
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  'application/pdf': '.pdf',
  'text/plain': '.txt',
  'image/png': '.png',
  'image/jpeg': '.jpg',
  'image/gif': '.gif',
  'image/webp': '.webp',
};

function toUpload(source: Extract<PromptSource, { type: 'base64' }>, uploadFolder: string): Upload {
  const bytes = Buffer.from(source.data, 'base64');
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
  return { path: join(uploadFolder, `${hash}${EXTENSIONS[source.media_type] ?? ''}`), bytes };
}

function text(content: string): Extract<PromptPart, { type: 'text' }> {
  return { type: 'text', text: content };
}
