import type { ContentBlock, Message } from '../../anthropic/stream-event.js';
import { arrangeSeed, countChars, type SeedPart } from '../../domain/arrange-seed.js';
import type { PromptBlock } from '../../domain/prompt.js';
import { isRefusal } from '../../domain/provider-refusal.js';
import { AGENT_SERVER, CALLER_SERVER, type SeedBlock, type SeedMessage } from '../../domain/seed-message.js';
import { truncateAtCodePoint } from '../../domain/surrogates.js';
import type { Turn } from '../../storage/stores/turn.js';

/** Maximum text of the digest, in characters. It leaves room in the agent's context for the turns to come. */
const MAX_DIGEST_CHARS = 200_000;

/**
 * Maximum length of a tool's output, in characters. Prompts and answers are not shortened. With its note, an output is not shortened
 * again where the digest is rendered as a transcript.
 */
const MAX_OUTPUT_CHARS = 3900;

/** The fields of a turn that the digest uses. */
export interface DigestibleTurn extends Pick<Turn, 'prompt' | 'failure'> {
  readonly message: Pick<Message, 'content'> | undefined;
}

/** The newest part of a thread's stored turns, as a seed. */
export class TurnDigest {
  #turns: (readonly SeedPart[])[] = [];
  #remainingChars = MAX_DIGEST_CHARS;

  /** Whether earlier turns no longer fit. */
  get isFull(): boolean {
    return this.#remainingChars < 0;
  }

  /** Adds the turn before those added so far. Skips a refused prompt: it is not part of the conversation. */
  addBefore({ prompt, message, failure }: DigestibleTurn): void {
    if (failure !== undefined && isRefusal(failure.kind)) return;
    const parts: readonly SeedPart[] = [
      ...prompt.map((block) => ({ role: 'user', block: toSeedPrompt(block) }) as const),
      ...(message?.content ?? []).flatMap(toSeedBlocks).map((block) => ({ role: 'assistant', block }) as const),
    ];
    this.#turns.push(parts);
    this.#remainingChars -= countChars(parts.map(({ block }) => block));
  }

  /** Returns the digest; empty when nothing was added. */
  toSeed(): readonly SeedMessage[] {
    return arrangeSeed(this.#turns.toReversed().flat(), MAX_DIGEST_CHARS);
  }
}

/** Replaces an image or a file by a placeholder: its bytes would use up the digest's length. */
function toSeedPrompt(block: PromptBlock): PromptBlock {
  switch (block.type) {
    case 'text':
      return block;
    case 'image':
    case 'document':
      return block.source.type === 'text' ? block : { type: 'text', text: `[${block.type}]` };
    default:
      return block satisfies never;
  }
}

function toSeedBlocks(block: ContentBlock): readonly SeedBlock[] {
  switch (block.type) {
    case 'text':
      return block.text.trim() === '' ? [] : [{ type: 'text', text: block.text }];
    case 'thinking':
      return [];
    case 'tool_use':
      return [toCall(block, CALLER_SERVER)];
    case 'mcp_tool_use':
      return [toCall(block, block.server_name)];
    case 'server_tool_use':
      return [toCall(block, AGENT_SERVER)];
    case 'mcp_tool_result':
      return [toResult(block.tool_use_id, block.content.map(({ text }) => text).join('\n'), block.is_error)];
    case 'bash_code_execution_tool_result': {
      const { stdout, stderr, return_code: code } = block.content;
      return [toResult(block.tool_use_id, `${stdout}${stderr}`, code !== 0)];
    }
    default:
      return block satisfies never;
  }
}

type CallBlock = Extract<ContentBlock, { readonly type: 'tool_use' | 'mcp_tool_use' | 'server_tool_use' }>;

function toCall({ id, name, input }: CallBlock, server: string): SeedBlock {
  return { type: 'tool-call', id, name, server, input };
}

function toResult(id: string, output: string, isError: boolean): SeedBlock {
  return { type: 'tool-result', id, content: [{ type: 'text', text: shorten(output) }], isError };
}

function shorten(text: string): string {
  const omittedChars = text.length - MAX_OUTPUT_CHARS;
  if (omittedChars <= 0) return text;
  return `${truncateAtCodePoint(text, MAX_OUTPUT_CHARS)} … [${omittedChars} more characters]`;
}
