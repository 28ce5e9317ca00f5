import { type JsonObject, type JsonValue } from '../../domain/harness-event.js';
import { isJsonObject, asArray, asObject, asString } from '../../domain/json.js';
import { isWebUrl, type PromptBlock, type PromptSource } from '../../domain/prompt.js';

/** A file whose bytes arrived in separate lines. */
export interface StagedAttachment {
  /** Base64. */
  readonly data: string;
}

/** Files that arrived in chunks, by attachment id. */
export type StagedAttachments = ReadonlyMap<string, StagedAttachment>;

/**
 * Converts the content of a user line, or the parts of a message, to a prompt: text, images and attachments, and Anthropic's images
 * and documents. Other items become a text that names them, as in centaur's harness-server.
 */
export function toPromptContent(content: JsonValue | undefined, staged: StagedAttachments): readonly PromptBlock[] {
  if (typeof content === 'string') return text(content);
  return asArray(content).flatMap((item) => (typeof item === 'string' ? text(item) : toBlocks(asObject(item), staged)));
}

function toBlocks(item: JsonObject, staged: StagedAttachments): readonly PromptBlock[] {
  const type = asString(item['type']) ?? 'unknown';
  switch (type) {
    case 'text':
    case 'input_text':
      return text(asString(item['text']) ?? '');
    case 'image':
      return toImage(item);
    case 'localImage':
      return text(`[image: ${asString(item['path']) ?? 'without a path'}]`);
    case 'document':
      return toDocument(item);
    case 'attachment':
      return toAttachment(item, staged);
    default:
      return text(`[Unsupported attachment block type: ${type}]`);
  }
}

function toImage(item: JsonObject): readonly PromptBlock[] {
  const url = asString(item['url']);
  const source = url === undefined ? parseSource(item['source']) : urlSource(url);
  return source === undefined ? text('[Unsupported attachment block type: image]') : [{ type: 'image', source }];
}

function toDocument(item: JsonObject): readonly PromptBlock[] {
  const source = parseSource(item['source']);
  const [title, context] = [asString(item['title']), asString(item['context'])];
  if (source === undefined) return text('[Unsupported attachment block type: document]');
  return [
    {
      type: 'document',
      source,
      ...(title === undefined ? {} : { title }),
      ...(context === undefined ? {} : { context }),
    },
  ];
}

function parseSource(value: JsonValue | undefined): PromptSource | undefined {
  if (!isJsonObject(value)) return undefined;
  const [type, url] = [value['type'], asString(value['url'])];
  const [mediaType, data] = [asString(value['media_type']), asString(value['data'])];
  if (type === 'url') return url === undefined ? undefined : urlSource(url);
  if ((type !== 'base64' && type !== 'text') || mediaType === undefined || data === undefined) return undefined;
  return { type, media_type: mediaType, data };
}

function toAttachment(item: JsonObject, staged: StagedAttachments): readonly PromptBlock[] {
  const name = asString(item['name']) ?? 'attachment';
  const mediaType = asString(item['mimeType']) ?? 'application/octet-stream';
  const stagedId = asString(item['stagedAttachmentId']);
  const data = asString(item['dataBase64']) ?? (stagedId === undefined ? undefined : staged.get(stagedId)?.data);
  if (data !== undefined) return toFile(name, mediaType, data);
  const url = asString(item['url']);
  const source = url === undefined || !mediaType.startsWith('image/') ? undefined : urlSource(url);
  if (source !== undefined) return [{ type: 'image', source }];
  const place = url ?? asString(item['localPath']);
  const why = asString(item['fetchError']);
  if (place !== undefined) return text(`[Attachment ${name} (${mediaType}): ${place}]`);
  return text(`[Attachment ${name} (${mediaType}) is not here${why === undefined ? '' : `: ${why}`}]`);
}

function toFile(name: string, mediaType: string, data: string): readonly PromptBlock[] {
  if (mediaType.startsWith('image/')) {
    return [{ type: 'image', source: { type: 'base64', media_type: mediaType, data } }];
  }
  if (mediaType.startsWith('text/') || mediaType === 'application/json') {
    // Every harness accepts text; in base64, Anthropic's models accept only PDF documents.
    const content = Buffer.from(data, 'base64').toString('utf8');
    return [{ type: 'document', source: { type: 'text', media_type: 'text/plain', data: content }, title: name }];
  }
  if (mediaType === 'application/pdf') {
    return [{ type: 'document', source: { type: 'base64', media_type: mediaType, data }, title: name }];
  }
  return text(`[Attachment ${name} (${mediaType}) cannot be handed to the agent]`);
}

/** Accepts `data:` URLs, which hold the bytes, and web URLs. */
function urlSource(url: string): PromptSource | undefined {
  const [, mediaType, data] = /^data:([^;,]+);base64,(.*)$/s.exec(url) ?? [];
  if (mediaType !== undefined && data !== undefined) return { type: 'base64', media_type: mediaType, data };
  return isWebUrl(url) ? { type: 'url', url } : undefined;
}

function text(content: string): readonly PromptBlock[] {
  return content.trim() === '' ? [] : [{ type: 'text', text: content }];
}
