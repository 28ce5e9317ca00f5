import type { Prompt, PromptBlock } from '../../domain/prompt.js';
import { truncateAtCodePoint } from '../../domain/surrogates.js';
import { isJsonObject, toText } from '../../domain/json.js';
import type { TextFilter } from '../../domain/text-filter.js';
import { BlockReader, skipBlock } from './prompt-blocks.js';

/** Maximum length of a tool's input or output. Messages are kept in full. */
const MAX_TOOL_CHARS = 4000;

type Fields = Readonly<Record<string, unknown>>;
type Role = 'user' | 'assistant';

/** Renders a conversation as a transcript for an agent without a record of it. */
export class TranscriptBuilder {
  readonly blocks: PromptBlock[] = [];
  /** Tool names by call id. */
  readonly #tools = new Map<string, string>();
  readonly #reader: BlockReader;

  /** @param read filters each text of the conversation. */
  constructor(private readonly read: TextFilter) {
    this.#reader = new BlockReader(read, skipBlock);
  }

  /** Adds messages in order. Never throws for malformed messages. */
  addMessages(messages: readonly unknown[]): void {
    for (const message of messages) if (isJsonObject(message)) this.addMessage(message['role'], message['content']);
  }

  /** Adds a message. Skips `system` messages: they are for the caller's agent. */
  addMessage(role: unknown, content: unknown): void {
    if (role !== 'user' && role !== 'assistant') return;
    if (typeof content === 'string') this.addText(role, content);
    if (!Array.isArray(content)) return;
    for (const block of content as readonly unknown[]) if (isJsonObject(block)) this.addBlock(role, block);
  }

  private addBlock(role: Role, block: Fields): void {
    const type = toText(block['type']);
    if (type === 'text') {
      this.addText(role, toText(block['text']));
    } else if (type === 'image' || type === 'document') {
      this.addMedia(block, type);
    } else if (type.endsWith('tool_use')) {
      const name = toText(block['name']);
      this.#tools.set(toText(block['id']), name);
      this.addToolBlock('tool_call', name, JSON.stringify(block['input'] ?? {}));
    } else if (type.endsWith('tool_result')) {
      this.addResult(block);
    }
    // Other blocks are thinking or have no text.
  }

  private addText(role: Role, text: string): void {
    const kept = this.read(text);
    if (kept.trim() !== '') this.blocks.push(textBlock(`<${role}>\n${kept}\n</${role}>\n`));
  }

  private addMedia(block: Fields, type: 'image' | 'document'): void {
    const shown = this.#reader.blocks([block], '').filter((part) => part.type !== 'file');
    // Files that are not in the request become placeholders.
    this.blocks.push(...(shown.length > 0 ? shown : [textBlock(`[${type}]\n`)]));
  }

  private addResult(block: Fields): void {
    const name = this.#tools.get(toText(block['tool_use_id']));
    const { content } = block;
    // Content fetched from the web is nested in another object.
    const parts = this.#reader.resultBlocks(isJsonObject(content) ? [content['content']] : content, '');
    const [first, ...rest] = parts.at(0)?.type === 'text' ? parts : [textBlock(''), ...parts];
    const failed = block['is_error'] === true ? ' is_error="true"' : '';
    this.addToolBlock('tool_result', name, first?.type === 'text' ? first.text : '', failed);
    // Texts between and after images are tool results, too.
    for (const part of rest) {
      if (part.type === 'text') this.addToolBlock('tool_result', name, part.text, failed);
      else if (part.type !== 'file') this.blocks.push(part);
    }
  }

  private addToolBlock(kind: 'tool_call' | 'tool_result', name: string | undefined, text: string, more = ''): void {
    const head = `${name === undefined ? kind : `${kind} name=${JSON.stringify(name)}`}${more}`;
    this.blocks.push(textBlock(`<${head}>\n${shorten(text)}\n</${kind}>\n`));
  }
}

function shorten(text: string): string {
  const omittedChars = text.length - MAX_TOOL_CHARS;
  return omittedChars <= 0 ? text : `${truncateAtCodePoint(text, MAX_TOOL_CHARS)} … [${omittedChars} more characters]`;
}

/** Merges consecutive text blocks. */
export function mergeTextBlocks(blocks: readonly PromptBlock[]): Prompt {
  const merged: PromptBlock[] = [];
  let texts: string[] = [];
  const flush = (): void => {
    if (texts.length > 0) merged.push(textBlock(texts.join('')));
    texts = [];
  };
  for (const block of blocks) {
    if (block.type === 'text') {
      texts.push(block.text);
    } else {
      flush();
      merged.push(block);
    }
  }
  flush();
  return merged;
}

/** Makes a text block. */
export function textBlock(value: string): PromptBlock {
  return { type: 'text', text: value };
}
