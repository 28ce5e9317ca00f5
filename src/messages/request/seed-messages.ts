import { asObject, asString, isJsonObject, toText } from '../../domain/json.js';
import type { JsonObject } from '../../domain/harness-event.js';
import type { TextFilter } from '../../domain/text-filter.js';
import { SeedBuilder } from '../../domain/seed/seed-builder.js';
import type { SeedBlock, SeedMessage } from '../../domain/seed/seed-message.js';
import { BlockReader, skipBlock } from './prompt-blocks.js';

/** Maximum text of a history that seeds a new agent: more would not fit into the context of every model. */
const MAX_SEED_CHARS = 400_000;

type Role = SeedMessage['role'];

/**
 * Converts the messages of a request to a seed, without thinking and the messages of role `system`, which are for the caller's agent.
 * Malformed messages and blocks are skipped: the caller can no longer change them.
 *
 * @param filter removes what the client adds to its user's texts.
 */
export function toSeedMessages(messages: readonly unknown[], filter: TextFilter): readonly SeedMessage[] {
  const builder = new SeedBuilder();
  const reader = new BlockReader(filter, skipBlock);
  for (const message of messages) {
    if (!isJsonObject(message)) continue;
    const { role, content } = message;
    if (role !== 'user' && role !== 'assistant') continue;
    const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
    if (!Array.isArray(blocks)) continue;
    for (const block of blocks) {
      if (isJsonObject(block)) for (const seed of toSeedBlocks(block, role, reader)) builder.add(role, seed);
    }
  }
  return builder.build(MAX_SEED_CHARS);
}

/** The caller's tools are `tool_use`; the agent's own, and those of the API, have other kinds. */
function toSeedBlocks(block: JsonObject, role: Role, reader: BlockReader): readonly SeedBlock[] {
  const type = toText(block['type']);
  if (type.endsWith('tool_use')) {
    const server = type === 'tool_use' ? 'caller' : (asString(block['server_name']) ?? 'agent');
    const { id, name, input } = block;
    return role === 'assistant'
      ? [{ type: 'tool-call', id: toText(id), name: toText(name), server, input: asObject(input) }]
      : [];
  }
  if (type.endsWith('tool_result')) {
    const { content } = block;
    // Content fetched from the web is nested in another object.
    const parts = reader.resultBlocks(isJsonObject(content) ? [content['content'] ?? ''] : content, '');
    return [
      { type: 'tool-result', id: toText(block['tool_use_id']), content: parts, isError: block['is_error'] === true },
    ];
  }
  const blocks = reader.blocks([block], '').filter((part) => part.type !== 'text' || part.text.trim() !== '');
  if (blocks.length > 0 || (type !== 'image' && type !== 'document')) return blocks;
  // A file that is not in the request.
  return [{ type: 'text', text: `[${type}]` }];
}
