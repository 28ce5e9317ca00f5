import type { Prompt, PromptBlock } from '../../domain/prompt.js';
import { isRefusal } from '../../domain/provider-refusal.js';
import type { Turn } from '../../storage/stores/turn.js';
import type { ContentBlock, Message } from '../../anthropic/stream-event.js';
import { truncateAtCodePoint } from '../../domain/surrogates.js';

/** Maximum length of the digest. It leaves room in the agent's context for the turns to come. */
const MAX_DIGEST_CHARS = 200_000;

/** Maximum length of a tool's input or output. Prompts and answers are not shortened. */
const MAX_TOOL_CHARS = 4000;

/** The fields of a turn that the digest uses. */
export interface DigestibleTurn extends Pick<Turn, 'prompt' | 'failure'> {
  readonly message: Pick<Message, 'content'> | undefined;
}

/** The newest part of a conversation, as text that seeds an agent. */
export class TurnDigest {
  readonly #blocks: string[] = [];
  #remainingChars = MAX_DIGEST_CHARS;

  /** Whether earlier turns no longer fit. */
  get isFull(): boolean {
    return this.#remainingChars < 0;
  }

  /** Adds the turn before those added so far. Skips a refused prompt: it is not part of the conversation. */
  addBefore({ prompt, message, failure }: DigestibleTurn): void {
    if (failure !== undefined && isRefusal(failure.kind)) return;
    const blocks = [...prompt.map(renderPromptBlock), ...(message?.content ?? []).map(renderAnswerBlock)];
    for (const block of blocks.toReversed()) {
      this.#remainingChars -= block.length;
      if (this.isFull) return;
      this.#blocks.unshift(block);
    }
  }

  /** Returns the digest as a prompt; empty when nothing was added. */
  toPrompt(): Prompt {
    const omission = this.isFull ? ['[Earlier messages are omitted.]\n'] : [];
    const text = [...omission, ...this.#blocks].join('');
    return text === '' ? [] : [{ type: 'text', text }];
  }
}

/** Renders an image as a placeholder: its bytes would use up the digest's length. */
function renderPromptBlock(block: PromptBlock): string {
  switch (block.type) {
    case 'text':
      return element('user', block.text);
    case 'image':
    case 'document':
      return element('user', block.source.type === 'text' ? block.source.data : `[${block.type}]`);
    default:
      return block satisfies never;
  }
}

function renderAnswerBlock(block: ContentBlock): string {
  switch (block.type) {
    case 'text':
      return element('assistant', block.text);
    case 'thinking':
      return '';
    case 'tool_use':
    case 'mcp_tool_use':
    case 'server_tool_use':
      return element('tool_call', shorten(JSON.stringify(block.input)), ` name=${JSON.stringify(block.name)}`);
    case 'mcp_tool_result':
      return element('tool_result', shorten(block.content.map(({ text }) => text).join('\n')));
    case 'bash_code_execution_tool_result':
      return element('tool_result', shorten(`${block.content.stdout}${block.content.stderr}`));
    default:
      return block satisfies never;
  }
}

function element(name: string, text: string, attributes = ''): string {
  return text.trim() === '' ? '' : `<${name}${attributes}>\n${text.trim()}\n</${name}>\n`;
}

function shorten(text: string): string {
  const omittedChars = text.length - MAX_TOOL_CHARS;
  if (omittedChars <= 0) return text;
  return `${truncateAtCodePoint(text, MAX_TOOL_CHARS)} … [${omittedChars} more characters]`;
}
