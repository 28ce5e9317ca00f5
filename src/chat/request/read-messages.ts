import { asObject, isJsonObject } from '../../domain/json.js';
import type { SeedBlock } from '../../domain/seed/seed-message.js';
import { InputContentReader, type RefusePart, refusePart, skipPart } from '../../openai/request/content-parts.js';
import { type ConversationEntry, toCallBlock } from '../../openai/request/conversation-entry.js';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the messages of a request. Malformed messages before the last one of the assistant are passed over: the caller can no longer change
 * them.
 *
 * @throws ServiceError (`bad_request`) that names the first malformed or unsupported part of the others.
 */
export function readMessages(messages: readonly unknown[]): readonly ConversationEntry[] {
  const lastAnswer = messages.findLastIndex((message) => asObject(message)['role'] === 'assistant');
  return messages.flatMap((message, index) => readMessage(message, index, index > lastAnswer ? refusePart : skipPart));
}

function readMessage(message: unknown, index: number, refuse: RefusePart): readonly ConversationEntry[] {
  const path = `messages[${index}]`;
  if (!isJsonObject(message)) return refuse(path, 'must be an object');
  const { role, content } = message;
  switch (role) {
    case 'user':
      return [{ role, blocks: readContent(content, `${path}.content`, refuse), index }];
    case 'developer':
    case 'system':
      return [{ role: 'instructions', blocks: readContent(content, `${path}.content`, refuse), index }];
    case 'assistant':
      return [{ role, blocks: readAnswer(message, path, refuse), index }];
    case 'tool': {
      const { tool_call_id: id } = message;
      if (typeof id !== 'string') return refuse(`${path}.tool_call_id`, 'must be a string');
      const result = readContent(content ?? '', `${path}.content`, refuse);
      return [{ role: 'user', blocks: [{ type: 'tool-result', id, content: result, isError: false }], index }];
    }
    default:
      return refuse(`${path}.role`, 'must be system, developer, user, assistant or tool');
  }
}

/** A message that has only calls, or a refusal, has no content. */
function readAnswer(
  { content, refusal, tool_calls: calls }: Fields,
  path: string,
  refuse: RefusePart,
): readonly SeedBlock[] {
  const said = readContent(content ?? refusal ?? '', `${path}.content`, refuse);
  const list: readonly unknown[] = Array.isArray(calls) ? calls : [];
  return [...said, ...list.map((call) => readCall(asObject(call)))];
}

function readCall(call: Fields): SeedBlock {
  const { name, arguments: json, input } = asObject(call['function'] ?? call['custom']);
  return toCallBlock(call['id'], name, json ?? input);
}

/** Reads a content as that of the Responses API, whose parts are the same under other names. */
function readContent(content: unknown, path: string, refuse: RefusePart): ReturnType<InputContentReader['read']> {
  const reader = new InputContentReader(refuse);
  if (!Array.isArray(content)) return reader.read(content, path);
  return content.flatMap((part: unknown, index) => {
    const at = `${path}[${index}]`;
    return isJsonObject(part) ? readPart(part, at, reader, refuse) : refuse(at, 'must be an object');
  });
}

function readPart(part: Fields, path: string, reader: InputContentReader, refuse: RefusePart) {
  switch (part['type']) {
    case 'text':
    case 'refusal':
      return reader.readPart(part, path);
    case 'image_url': {
      // Some clients send the URL alone.
      const { image_url: image } = part;
      const url = isJsonObject(image) ? image['url'] : image;
      return reader.readPart({ type: 'input_image', image_url: url }, path);
    }
    case 'file':
      return reader.readPart({ ...asObject(part['file']), type: 'input_file' }, `${path}.file`);
    default:
      return refuse(`${path}.type`, 'must be text, image_url or file');
  }
}
