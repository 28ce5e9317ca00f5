import type { ContentBlock, Message } from '../../anthropic/stream-event.js';
import type { CallerToolResult } from '../../domain/caller-tool.js';
import { describeFile } from '../../domain/file-block.js';
import type { PromptBlock } from '../../domain/prompt.js';
import { isRefusal } from '../../domain/provider-refusal.js';
import { SeedBuilder } from '../../domain/seed/seed-builder.js';
import type { SeedBlock, SeedMessage } from '../../domain/seed/seed-message.js';
import type { Turn } from '../../storage/stores/turn.js';

/** Maximum length of the seed from stored turns. It leaves room in the agent's context for the turns to come. */
const MAX_SEED_CHARS = 200_000;

/** The fields of a turn that seed an agent. */
export interface SeedTurn extends Pick<Turn, 'prompt' | 'failure'> {
  readonly message: Pick<Message, 'content'> | undefined;
  /** The results of the caller's tools with which the turn began. */
  readonly results: readonly CallerToolResult[];
}

/** Whether this much of stored turns is more than a seed can have. */
export function isEnoughForSeed(turns: readonly SeedTurn[]): boolean {
  const chars = turns.map(({ prompt, message }) => JSON.stringify([prompt, message?.content ?? []]).length);
  return chars.reduce((sum, length) => sum + length, 0) > MAX_SEED_CHARS;
}

/**
 * Makes the seed from stored turns, oldest first. Skips a prompt that the model provider refused: it would refuse it again.
 *
 * @param keepsFiles for an agent with another workspace, into which the files are put again; otherwise a text says where they are
 */
export function toTurnSeed(turns: readonly SeedTurn[], keepsFiles = false): readonly SeedMessage[] {
  const toBlock = (block: PromptBlock): PromptBlock => (keepsFiles ? block : toKnown(block));
  const builder = new SeedBuilder();
  for (const { prompt, message, failure, results } of turns) {
    if (failure !== undefined && isRefusal(failure.kind)) continue;
    for (const { callId: id, content, isError } of results) {
      builder.add('user', { type: 'tool-result', id, content: content.map(toBlock), isError });
    }
    for (const block of prompt) builder.add('user', toBlock(block));
    for (const block of message?.content ?? []) for (const seed of toSeedBlocks(block)) builder.add('assistant', seed);
  }
  return builder.build(MAX_SEED_CHARS);
}

/** The file of an earlier turn is where it was put then, if the workspace is still there. */
function toKnown(block: PromptBlock): PromptBlock {
  return block.type === 'file' ? { type: 'text', text: describeFile(block) } : block;
}

function toSeedBlocks(block: ContentBlock): readonly SeedBlock[] {
  switch (block.type) {
    case 'text':
      return block.text.trim() === '' ? [] : [{ type: 'text', text: block.text }];
    case 'tool_use':
      return [{ type: 'tool-call', id: block.id, name: block.name, server: 'caller', input: block.input }];
    case 'mcp_tool_use':
      return [{ type: 'tool-call', id: block.id, name: block.name, server: block.server_name, input: block.input }];
    case 'mcp_tool_result': {
      const content = block.content.map(({ text }) => ({ type: 'text', text }) as const);
      return [{ type: 'tool-result', id: block.tool_use_id, content, isError: block.is_error }];
    }
    case 'thinking':
    // Views for single callers, never stored.
    case 'server_tool_use':
    case 'bash_code_execution_tool_result':
      return [];
    default:
      return block satisfies never;
  }
}
