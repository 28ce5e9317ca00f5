import type { JsonObject } from '../../../domain/harness-event.js';
import type { SeedBlock, SeedMessage } from '../../../domain/seed/seed-message.js';
import { toCarriedName } from '../../caller-tool-names.js';
import { CALLER_MCP_SERVER } from '../../caller-mcp/names.js';
import { toModelToolName } from '../caller-tools/names.js';
import { toContentBlock } from '../caller-tools/results.js';
import { toStableUuid } from '../stable-uuid.js';

/** Anthropic's limit on the name of a tool. */
const NAME_RULES = { maxLength: 64 };

/** Stands for a message without any content that a model takes. */
const EMPTY: JsonObject = { type: 'text', text: '(no content)' };

/** The `uuid` of an entry of a turn's seed, by which a later attempt finds what was written. */
export function toSeedUuid(turnId: string, index: number): string {
  return toStableUuid(`seed:${turnId}:${index}`);
}

/**
 * Converts earlier messages to entries of a transcript, as Claude Code 2.1.330 writes them: a block of the model has an entry of its own
 * and shares the id of its message, and results come before other blocks. Pure.
 */
export function toSeedEntries(seed: readonly SeedMessage[], turnId: string): readonly JsonObject[] {
  const messages = seed.flatMap((message, index) =>
    message.role === 'user' ? [toUserEntry(message)] : toAssistantEntries(message, `msg_${toSeedUuid(turnId, index)}`),
  );
  return messages.map((entry, index) => ({ ...entry, uuid: toSeedUuid(turnId, index) }));
}

function toUserEntry({ content }: SeedMessage): JsonObject {
  const blocks = content.flatMap(toBlocks);
  const results = blocks.filter(({ type }) => type === 'tool_result');
  const others = blocks.filter(({ type }) => type !== 'tool_result');
  return {
    type: 'user',
    promptSource: 'sdk',
    message: { role: 'user', content: blocks.length === 0 ? [EMPTY] : [...results, ...others] },
  };
}

function toAssistantEntries({ content }: SeedMessage, id: string): readonly JsonObject[] {
  const blocks = content.flatMap(toBlocks);
  const stop = blocks.some(({ type }) => type === 'tool_use') ? 'tool_use' : 'end_turn';
  return (blocks.length === 0 ? [EMPTY] : blocks).map((block, index) => ({
    type: 'assistant',
    apiBlockIndex: index,
    message: {
      id,
      type: 'message',
      role: 'assistant',
      model: 'earlier',
      content: [block],
      stop_reason: stop,
      stop_sequence: null,
      usage: { input_tokens: 0, output_tokens: 0, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 },
    },
  }));
}

/** An empty text is left out: a model takes none. */
function toBlocks(block: SeedBlock): readonly JsonObject[] {
  switch (block.type) {
    case 'tool-call':
      return [{ type: 'tool_use', id: block.id, name: toModelName(block), input: block.input }];
    case 'tool-result':
      return [
        {
          type: 'tool_result',
          tool_use_id: block.id,
          content: block.content.map(toContentBlock),
          is_error: block.isError,
        },
      ];
    case 'text':
      return block.text === '' ? [] : [toContentBlock(block)];
    case 'image':
    case 'document':
    case 'file':
      return [toContentBlock(block)];
    default:
      return block satisfies never;
  }
}

function toModelName({ server, name }: Extract<SeedBlock, { readonly type: 'tool-call' }>): string {
  if (server === CALLER_MCP_SERVER) return toModelToolName(name);
  return toCarriedName(server === 'agent' ? name : `mcp__${server}__${name}`, NAME_RULES);
}
