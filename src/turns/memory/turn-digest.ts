import type { Prompt, PromptBlock } from '../../domain/prompt.js';
import { isRefusal } from '../../domain/refusal.js';
import type { Turn } from '../../storage/stores/turn.js';
import type { ContentBlock, Message } from '../../anthropic/stream-event.js';
import { truncateAtCodePoint } from '../../domain/well-formed.js';

/** Longest text that an agent is told of the turns in the store, in characters: it leaves room for the turns to come. */
const MAX_DIGEST_CHARS = 200_000;

/** How much of a tool's input or output is told, in characters: what the conversation made of it is told in full. */
const MAX_TOOL_CHARS = 4000;

/** A turn as far as it is told. */
export interface DigestibleTurn extends Pick<Turn, 'prompt' | 'failure'> {
  readonly message: Pick<Message, 'content'> | undefined;
}

/** The newest words of a conversation, as many as an agent is told. */
export class TurnDigest {
  readonly #blocks: string[] = [];
  #room = MAX_DIGEST_CHARS;

  /** Whether nothing before it is told. */
  get isFull(): boolean {
    return this.#room < 0;
  }

  /** Adds the turn before those that were added. A prompt that was refused is not part of the conversation. */
  addBefore({ prompt, message, failure }: DigestibleTurn): void {
    if (failure !== undefined && isRefusal(failure.kind)) return;
    const blocks = [...prompt.map(renderPromptBlock), ...(message?.content ?? []).map(renderAnswerBlock)];
    for (const block of blocks.toReversed()) {
      this.#room -= block.length;
      if (this.isFull) return;
      this.#blocks.unshift(block);
    }
  }

  /** What was added, for an agent that does not know it; empty for nothing. */
  toPrompt(): Prompt {
    const omission = this.isFull ? ['[What was said before is left out.]\n'] : [];
    const text = [...omission, ...this.#blocks].join('');
    return text === '' ? [] : [{ type: 'text', text }];
  }
}

/** A picture is told as one that was there: its bytes would take the room of all that was said. */
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
  const left = text.length - MAX_TOOL_CHARS;
  return left <= 0 ? text : `${truncateAtCodePoint(text, MAX_TOOL_CHARS)} … [${left} more characters]`;
}
