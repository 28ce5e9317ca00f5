import type { FileBlock } from '../../domain/file-block.js';
import type { Prompt, PromptSource } from '../../domain/prompt.js';
import type { Turn } from '../../storage/stores/turn.js';

/** The input of a response as the API lists it: one message of the user. */
export function toInputItemList(turn: Turn): object {
  const id = `${turn.messageId}_input`;
  const content = turn.prompt.map(toInputPart);
  return {
    object: 'list',
    data: [{ id, type: 'message', role: 'user', status: 'completed', content }],
    first_id: id,
    last_id: id,
    has_more: false,
  };
}

function toInputPart(block: Prompt[number]): object {
  switch (block.type) {
    case 'text':
      return { type: 'input_text', text: block.text };
    case 'image':
      return { type: 'input_image', detail: 'auto', file_id: null, image_url: toUrl(block.source) };
    case 'file':
      return toFilePart(block);
    case 'document':
      return block.source.type === 'url'
        ? { type: 'input_file', file_url: block.source.url, filename: block.title ?? undefined }
        : { type: 'input_file', file_data: toUrl(block.source), filename: block.title ?? undefined };
    default:
      return block satisfies never;
  }
}

function toFilePart({ id, data, use, name, mediaType = '' }: FileBlock): object {
  if (data !== undefined) return { type: 'input_file', file_data: `data:${mediaType};base64,${data}`, filename: name };
  return use === 'image'
    ? { type: 'input_image', detail: 'auto', file_id: id, image_url: null }
    : { type: 'input_file', file_id: id, filename: name };
}

function toUrl(source: PromptSource): string {
  switch (source.type) {
    case 'url':
      return source.url;
    case 'base64':
      return `data:${source.media_type};base64,${source.data}`;
    case 'text':
      return `data:${source.media_type};base64,${Buffer.from(source.data, 'utf8').toString('base64')}`;
    default:
      return source satisfies never;
  }
}
