import { createHash } from 'node:crypto';
import type { FileBlock } from '../../domain/file-block.js';
import { toFileName } from '../../domain/file-name.js';
import { isJsonObject } from '../../domain/json.js';
import { isWebUrl, type Prompt, type PromptBlock, type PromptSource } from '../../domain/prompt.js';
import { ServiceError } from '../../domain/service-error.js';

type Fields = Readonly<Record<string, unknown>>;

const DATA_URL = /^data:([\w.+-]+\/[\w.+-]+)(?:;[\w.+-]+=[\w.+-]+)*(;base64)?,/;

/** Handles a malformed or unsupported part of a content at `path`. */
export type RefusePart = (path: string, problem: string) => readonly never[];

/** Refuses the request. @throws ServiceError (`bad_request`) always. */
export const refusePart: RefusePart = (path, problem) => {
  throw new ServiceError('bad_request', `${path}: ${problem}`);
};

/** Skips the part: for a history, which the caller can no longer change. */
export const skipPart: RefusePart = () => [];

/** Reads the content of messages and of outputs of tools as prompt blocks, in order. Drops empty texts. */
export class InputContentReader {
  /** @param refuse handles a malformed or unsupported part. */
  constructor(private readonly refuse: RefusePart) {}

  /** Reads a content: a string or a list of parts. */
  read(content: unknown, path: string): Prompt {
    if (typeof content === 'string') return textBlock(content);
    if (!Array.isArray(content)) return this.refuse(path, 'must be a string or a list of parts');
    return content.flatMap((part: unknown, index) => {
      const at = `${path}[${index}]`;
      return isJsonObject(part) ? this.readPart(part, at) : this.refuse(at, 'must be an object');
    });
  }

  /** Reads one part. */
  readPart(part: Fields, path: string): Prompt {
    switch (part['type']) {
      case 'input_text':
      case 'output_text':
      case 'text':
        return this.text(part['text'], `${path}.text`);
      case 'refusal':
        return this.text(part['refusal'], `${path}.refusal`);
      case 'input_image':
        return this.image(part, path);
      case 'input_file':
        return this.file(part, path);
      default:
        return this.refuse(`${path}.type`, 'must be input_text, input_image or input_file');
    }
  }

  private text(text: unknown, path: string): Prompt {
    return typeof text === 'string' ? textBlock(text) : this.refuse(path, 'must be a string');
  }

  private image({ image_url: url, file_id: fileId }: Fields, path: string): Prompt {
    if (typeof fileId === 'string') return [{ type: 'file', id: fileId, use: 'image' }];
    if (typeof url !== 'string') return this.refuse(`${path}.image_url`, 'must be a string, or file_id given');
    const source = toSource(url);
    return source === undefined
      ? this.refuse(`${path}.image_url`, 'must be an http or https URL, or a data URL in base64')
      : [{ type: 'image', source }];
  }

  private file({ file_id: id, file_data: data, file_url: url, filename }: Fields, path: string): Prompt {
    if (typeof id === 'string') return [{ type: 'file', id, use: 'document' }];
    const name = typeof filename === 'string' ? filename : undefined;
    if (typeof data === 'string') {
      const file = toInlineFile(data, name);
      return file === undefined ? this.refuse(`${path}.file_data`, 'must be a data URL in base64') : [file];
    }
    if (typeof url !== 'string')
      return this.refuse(`${path}.file_id`, 'must be a string, or file_data or file_url given');
    if (!isWebUrl(url)) return this.refuse(`${path}.file_url`, 'must be an http or https URL');
    return [{ type: 'document', source: { type: 'url', url }, ...(name === undefined ? {} : { title: name }) }];
  }
}

function textBlock(text: string): readonly PromptBlock[] {
  return text === '' ? [] : [{ type: 'text', text }];
}

/** Reads the URL of an image, or a data URL in base64. */
function toSource(url: string): PromptSource | undefined {
  const data = toData(url);
  if (data !== undefined) return { type: 'base64', media_type: data.mediaType, data: data.data };
  return isWebUrl(url) ? { type: 'url', url } : undefined;
}

function toInlineFile(url: string, name: string | undefined): FileBlock | undefined {
  const read = toData(url);
  if (read === undefined) return undefined;
  const bytes = Buffer.from(read.data, 'base64');
  const id = `inline_${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}`;
  return { type: 'file', id, use: 'document', ...read, name: toFileName(name), size: bytes.length };
}

function toData(url: string): { readonly mediaType: string; readonly data: string } | undefined {
  const [head, mediaType, isBase64] = DATA_URL.exec(url.slice(0, 256)) ?? [];
  if (head === undefined || mediaType === undefined || isBase64 === undefined) return undefined;
  return { mediaType: mediaType.toLowerCase(), data: url.slice(head.length) };
}
