import { readContent, readRole } from '../../anthropic/content.js';
import { arrangeSeed, countChars, type SeedPart } from '../../domain/arrange-seed.js';
import { isJsonObject, asObject } from '../../domain/json.js';
import type { JsonValue } from '../../domain/harness-event.js';
import type { PromptBlock } from '../../domain/prompt.js';
import { AGENT_SERVER, CALLER_SERVER, type SeedBlock, type SeedMessage } from '../../domain/seed-message.js';
import type { TextFilter } from '../../domain/text-filter.js';
import { BlockReader, skipBlock } from './prompt-blocks.js';

/** Maximum text of a seed, in characters: more would not fit into the context of every model. */
const MAX_SEED_CHARS = 400_000;

type Fields = Readonly<Record<string, JsonValue>>;
type Role = SeedMessage['role'];

/**
 * Builds the seed of the messages of a request, for an agent that has no record of them. Skips `system` messages, which are for the
 * caller's agent, thinking, and what is malformed. Never throws.
 *
 * @param read filters each text of the user.
 * @param maxChars maximum text; of a longer conversation only the newest messages remain.
 */
export function buildSeed(
  messages: readonly unknown[],
  read: TextFilter,
  maxChars = MAX_SEED_CHARS,
): readonly SeedMessage[] {
  const reader = new BlockReader(read, skipBlock);
  const newestFirst: (readonly SeedPart[])[] = [];
  let chars = 0;
  for (const message of messages.toReversed()) {
    const role = readRole(message);
    if (role !== 'user' && role !== 'assistant') continue;
    const parts = readParts(role, readContent(message), reader);
    newestFirst.push(parts);
    chars += countChars(parts.map(({ block }) => block));
    // Earlier messages would be cut off again. The answer with the calls is read with their results.
    if (chars > maxChars && role === 'assistant') break;
  }
  return arrangeSeed(newestFirst.toReversed().flat(), maxChars);
}

function readParts(role: Role, content: unknown, reader: BlockReader): readonly SeedPart[] {
  const blocks: readonly unknown[] = Array.isArray(content) ? content : [{ type: 'text', text: content }];
  return blocks
    .flatMap((block) => (isJsonObject(block) ? readBlock(block, reader) : []))
    .filter((block) => block.type !== 'text' || block.text.trim() !== '')
    .map((block) => ({ role, block }));
}

function readBlock(block: Fields, reader: BlockReader): readonly SeedBlock[] {
  const { type } = block;
  if (typeof type !== 'string') return [];
  if (type.endsWith('tool_use')) return readCall(block, type);
  if (type.endsWith('tool_result')) return readResult(block, reader);
  const blocks = reader.blocks([block], '');
  // Files that are not in the request become placeholders.
  const isMissing = blocks.length === 0 && (type === 'image' || type === 'document');
  return isMissing ? [textBlock(`[${type}]`)] : blocks;
}

function readCall({ id, name, input, server_name: server }: Fields, type: string): readonly SeedBlock[] {
  if (typeof id !== 'string' || typeof name !== 'string') return [];
  const owner = typeof server === 'string' && server !== '' ? server : AGENT_SERVER;
  return [{ type: 'tool-call', id, name, server: type === 'tool_use' ? CALLER_SERVER : owner, input: asObject(input) }];
}

function readResult(block: Fields, reader: BlockReader): readonly SeedBlock[] {
  const { tool_use_id: id, content } = block;
  if (typeof id !== 'string') return [];
  return [
    { type: 'tool-result', id, content: readResultContent(content, reader), isError: block['is_error'] === true },
  ];
}

/** Reads the result of the caller's own tool, of an MCP tool, or of a server tool of the API. */
function readResultContent(content: JsonValue | undefined, reader: BlockReader): readonly PromptBlock[] {
  if (!isJsonObject(content)) return reader.resultBlocks(content, '');
  const { stdout, stderr } = content;
  // `bash_code_execution_result`; content that was fetched from the web is nested in another object.
  if (typeof stdout === 'string') return reader.blocks(`${stdout}${typeof stderr === 'string' ? stderr : ''}`, '');
  return reader.resultBlocks([content['content']], '');
}

/** Makes a text block. */
export function textBlock(value: string): PromptBlock {
  return { type: 'text', text: value };
}
