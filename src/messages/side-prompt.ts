import type { Prompt, PromptBlock } from '../harness/prompt.js';
import { isObject } from '../turns/canonical.js';
import { withoutReminders } from '../turns/system-reminder.js';
import { withoutMarkup } from './caller-markup.js';
import { lastUserMessage, promptBlocks, textsOf, verbatim } from './prompt-of.js';

/** How much of a tool's input or output is told, in characters: what the conversation made of it is told in full. */
const MAX_TOOL_TEXT = 4000;

const BEFORE = 'The conversation so far, with you as its assistant:\n\n<conversation>\n';
const AFTER = '</conversation>\n\nThis is what you are to answer now:';

type Fields = Readonly<Record<string, unknown>>;
type Role = 'user' | 'assistant';

/**
 * The prompt of a side request. Its agent has heard nothing of the conversation, so the prompt holds all of it: as a transcript,
 * followed by the last user message with its reminders, which may be the very question. A request of one message is just that.
 *
 * @throws AnthropicException (400) as for any request.
 */
export function sidePrompt(messages: readonly unknown[]): Prompt {
  const { index, content } = lastUserMessage(messages);
  const { results, asked } = parted(content);
  const transcript = new Transcript();
  for (const message of messages.slice(0, index))
    if (isObject(message)) transcript.tell(message['role'], message['content']);
  transcript.tell('user', results);
  const path = `messages.${index}.content`;
  // The question may stand in one message with what was not answered before it: a prompt, or commands of the caller's machine.
  const said = promptBlocks(withoutMarkup(asked), path, verbatim);
  const question = said.length > 0 ? said : promptBlocks(asked, path, verbatim);
  if (transcript.blocks.length === 0) return question;
  return [...joined([text(BEFORE), ...transcript.blocks, text(AFTER)]), ...question];
}

/** The results of tools that stand before a question end the conversation; without a question they are what is to be answered. */
function parted(content: unknown): { readonly results: readonly unknown[]; readonly asked: unknown } {
  if (!Array.isArray(content)) return { results: [], asked: content };
  const end = content.findIndex((block: unknown) => !isObject(block) || block['type'] !== 'tool_result');
  return end === -1 ? { results: [], asked: content } : { results: content.slice(0, end), asked: content.slice(end) };
}

/** A conversation as somebody who was not there reads it. */
class Transcript {
  readonly blocks: PromptBlock[] = [];
  /** Names of the tools that were called, by the ids of the calls. */
  readonly #tools = new Map<string, string>();

  /** Adds a message. `system` messages and reminders are left out: they describe the machine of the caller. */
  tell(role: unknown, content: unknown): void {
    if (role !== 'user' && role !== 'assistant') return;
    if (typeof content === 'string') this.say(role, content);
    if (!Array.isArray(content)) return;
    for (const block of content as readonly unknown[]) if (isObject(block)) this.tellBlock(role, block);
  }

  private tellBlock(role: Role, block: Fields): void {
    const type = String(block['type']);
    if (type === 'text') {
      this.say(role, String(block['text']));
    } else if (type === 'image' || type === 'document') {
      this.show(block, type);
    } else if (type.endsWith('tool_use')) {
      const name = String(block['name']);
      this.#tools.set(String(block['id']), name);
      this.add('tool_call', name, JSON.stringify(block['input'] ?? {}));
    } else if (type.endsWith('tool_result')) {
      const said = textsOf(block['content'])
        .map(withoutReminders)
        .filter((part) => part !== '')
        .join('\n');
      this.add('tool_result', this.#tools.get(String(block['tool_use_id'])), said);
    }
    // Anything else is thinking, or a kind of block that is not told in words.
  }

  private say(role: Role, said: string): void {
    const kept = withoutReminders(said).trim();
    if (kept !== '') this.blocks.push(text(`<${role}>\n${kept}\n</${role}>\n`));
  }

  private show(block: Fields, type: 'image' | 'document'): void {
    const { source } = block;
    // Files that the caller keeps elsewhere cannot be shown.
    const isHere = isObject(source) && source['type'] !== 'file';
    this.blocks.push(...(isHere ? promptBlocks([block], `an earlier ${type}`, verbatim) : [text(`[${type}]\n`)]));
  }

  private add(kind: 'tool_call' | 'tool_result', name: string | undefined, said: string): void {
    const head = name === undefined ? kind : `${kind} name=${JSON.stringify(name)}`;
    this.blocks.push(text(`<${head}>\n${shortened(said)}\n</${kind}>\n`));
  }
}

function shortened(said: string): string {
  const left = said.length - MAX_TOOL_TEXT;
  return left <= 0 ? said : `${said.slice(0, MAX_TOOL_TEXT)} … [${left} more characters]`;
}

/** Texts that follow each other as one block. */
function joined(blocks: readonly PromptBlock[]): Prompt {
  const whole: PromptBlock[] = [];
  let texts: string[] = [];
  const flush = (): void => {
    if (texts.length > 0) whole.push(text(texts.join('')));
    texts = [];
  };
  for (const block of blocks) {
    if (block.type === 'text') {
      texts.push(block.text);
    } else {
      flush();
      whole.push(block);
    }
  }
  flush();
  return whole;
}

function text(value: string): PromptBlock {
  return { type: 'text', text: value };
}
