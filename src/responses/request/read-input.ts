import type { JsonObject } from '../../domain/harness-event.js';
import { isJsonObject } from '../../domain/json.js';
import type { SeedBlock } from '../../domain/seed/seed-message.js';
import { toCallBlock } from '../../openai/request/conversation-entry.js';
import { InputContentReader, type RefusePart, refusePart, skipPart } from '../../openai/request/content-parts.js';

/** One item of a request's input that is part of the conversation. */
export type InputEntry =
  | {
      /** `instructions` for messages of the developer or the system. */
      readonly role: 'user' | 'assistant' | 'instructions';
      readonly blocks: readonly SeedBlock[];
      /** The item's own id, if it has one. */
      readonly id: string | undefined;
      /** Its place in `input`. */
      readonly index: number;
    }
  /** An item of an earlier response that the client sends by its id alone, as the AI SDK does. [@ai-sdk/openai 3.0.141] */
  | { readonly role: 'reference'; readonly id: string; readonly index: number };

/**
 * Reads the items of an input that are part of the conversation: messages, calls of the caller's tools and their outputs. Others are passed
 * over: reasoning, calls that servers run, tools in the input, and kinds that are not known. Codex and the SDKs send new kinds before
 * servers know them. Malformed items are passed over, too; see {@link assertReadable}.
 */
export function readInput(input: string | readonly unknown[]): readonly InputEntry[] {
  if (typeof input === 'string')
    return [{ role: 'user', blocks: [{ type: 'text', text: input }], id: undefined, index: 0 }];
  return input.flatMap((item, index) => readItem(item, index, skipPart));
}

/**
 * Checks the items from this place on, which are the new ones.
 *
 * @throws ServiceError (`bad_request`) that names the first malformed or unsupported part.
 */
export function assertReadable(input: string | readonly unknown[], from: number): void {
  if (typeof input === 'string') return;
  for (const [index, item] of input.entries()) if (index >= from) readItem(item, index, refusePart);
}

function readItem(item: unknown, index: number, refuse: RefusePart): readonly InputEntry[] {
  const path = `input[${index}]`;
  if (!isJsonObject(item)) return refuse(path, 'must be an object');
  const id = typeof item['id'] === 'string' ? item['id'] : undefined;
  switch (item['type'] ?? 'message') {
    case 'message':
      return readMessage(item, { id, index, path }, refuse);
    case 'function_call':
    case 'custom_tool_call':
      return [
        {
          role: 'assistant',
          blocks: [toCallBlock(item['call_id'], item['name'], item['arguments'] ?? item['input'])],
          id,
          index,
        },
      ];
    case 'function_call_output':
    case 'custom_tool_call_output':
      return readOutput(item, { id, index, path }, refuse);
    case 'item_reference':
      return id === undefined ? refuse(`${path}.id`, 'must be a string') : [{ role: 'reference', id, index }];
    default:
      return [];
  }
}

interface ItemPlace {
  readonly id: string | undefined;
  readonly index: number;
  readonly path: string;
}

function readMessage(
  { role, content }: JsonObject,
  { id, index, path }: ItemPlace,
  refuse: RefusePart,
): readonly InputEntry[] {
  const blocks = new InputContentReader(refuse).read(content, `${path}.content`);
  switch (role) {
    case 'user':
    case 'assistant':
      return [{ role, blocks, id, index }];
    case 'developer':
    case 'system':
      return [{ role: 'instructions', blocks, id, index }];
    default:
      return refuse(`${path}.role`, 'must be user, assistant, system or developer');
  }
}

function readOutput(item: JsonObject, { id, index, path }: ItemPlace, refuse: RefusePart): readonly InputEntry[] {
  const callId = item['call_id'];
  if (typeof callId !== 'string') return refuse(`${path}.call_id`, 'must be a string');
  const content = new InputContentReader(refuse).read(item['output'] ?? '', `${path}.output`);
  return [{ role: 'user', blocks: [{ type: 'tool-result', id: callId, content, isError: false }], id, index }];
}
