import { isJsonObject } from '../../domain/json.js';
import { isWebUrl, type Prompt, type PromptBlock, type PromptSource } from '../../domain/prompt.js';
import { ServiceError } from '../../domain/service-error.js';

type Fields = Readonly<Record<string, unknown>>;

const DATA_URL = /^data:([\w.+-]+\/[\w.+-]+)(?:;[\w.+-]+=[\w.+-]+)*(;base64)?,/;
const UPLOADED = 'files that were uploaded to the API are not here; send the content itself';

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
    if (typeof url !== 'string') {
      return typeof fileId === 'string'
        ? this.refuse(`${path}.file_id`, UPLOADED)
        : this.refuse(`${path}.image_url`, 'must be a string');
    }
    const source = toSource(url);
    return source === undefined
      ? this.refuse(`${path}.image_url`, 'must be an http or https URL, or a data URL in base64')
      : [{ type: 'image', source }];
  }

  private file({ file_data: data, file_url: url, filename }: Fields, path: string): Prompt {
    const [text, field] = typeof data === 'string' ? [data, 'file_data'] : [url, 'file_url'];
    if (typeof text !== 'string') return this.refuse(`${path}.file_id`, UPLOADED);
    const source = toSource(text);
    if (source === undefined || (source.type === 'url') !== (field === 'file_url')) {
      const allowed = field === 'file_data' ? 'a data URL in base64' : 'an http or https URL';
      return this.refuse(`${path}.${field}`, `must be ${allowed}`);
    }
    return [{ type: 'document', source, ...(typeof filename === 'string' ? { title: filename } : {}) }];
  }
}

function textBlock(text: string): readonly PromptBlock[] {
  return text === '' ? [] : [{ type: 'text', text }];
}

/** Reads a URL, or a data URL in base64; a text file of the latter becomes text, as agents take no other kind of text document. */
function toSource(url: string): PromptSource | undefined {
  const [head, mediaType, isBase64] = DATA_URL.exec(url.slice(0, 256)) ?? [];
  if (head === undefined || mediaType === undefined) return isWebUrl(url) ? { type: 'url', url } : undefined;
  if (isBase64 === undefined) return undefined;
  const data = url.slice(head.length);
  return mediaType.startsWith('text/')
    ? { type: 'text', media_type: 'text/plain', data: Buffer.from(data, 'base64').toString('utf8') }
    : { type: 'base64', media_type: mediaType, data };
}
