import type { Prompt } from './prompt.js';
import type { SeedBlock, SeedMessage } from './seed-message.js';

type Role = SeedMessage['role'];
type ToolResult = Extract<SeedBlock, { readonly type: 'tool-result' }>;

/** The length that an image or a document counts for: about what its tokens would have as text. */
const MEDIA_CHARS = 6000;

const OMITTED: SeedBlock = { type: 'text', text: '[Earlier messages are omitted.]' };
const NO_RESULT: Prompt = [{ type: 'text', text: 'The result of this call is not part of the conversation.' }];

/** Collects the blocks of an earlier conversation into messages that an agent can be seeded with. Never throws. */
export class SeedBuilder {
  readonly #messages: { readonly role: Role; readonly content: SeedBlock[] }[] = [];

  /** Adds a block. Results of tools belong to the user's side, whoever sent them. */
  add(role: Role, block: SeedBlock): void {
    const side = block.type === 'tool-result' ? 'user' : role;
    const last = this.#messages.at(-1);
    if (last?.role === side) last.content.push(block);
    else this.#messages.push({ role: side, content: [block] });
  }

  /** Returns the newest messages, of at most about `maxChars`; a note says so if there were more. */
  build(maxChars: number): readonly SeedMessage[] {
    return boundSeed(pairCalls(this.#messages), maxChars);
  }
}

/**
 * Pairs calls and results: each call gets a result in the next user message, and a result without a call becomes text. Models refuse a
 * conversation with either alone.
 */
function pairCalls(messages: readonly SeedMessage[]): readonly SeedMessage[] {
  const paired: SeedMessage[] = [];
  let open: readonly string[] = [];
  for (const { role, content } of messages) {
    if (role === 'assistant') {
      paired.push({ role, content });
      open = content.flatMap((block) => (block.type === 'tool-call' ? [block.id] : []));
      continue;
    }
    const given = new Map(content.flatMap((block) => (block.type === 'tool-result' ? [[block.id, block]] : [])));
    const results = open.map((id) => given.get(id) ?? missingResult(id));
    const others = content.flatMap((block) =>
      block.type !== 'tool-result' ? [block] : open.includes(block.id) ? [] : toText(block),
    );
    paired.push({ role, content: [...results, ...others] });
    open = [];
  }
  if (open.length > 0) paired.push({ role: 'user', content: open.map(missingResult) });
  return paired.filter(({ content }) => content.length > 0);
}

function missingResult(id: string): ToolResult {
  return { type: 'tool-result', id, content: NO_RESULT, isError: true };
}

function toText({ content }: ToolResult): readonly SeedBlock[] {
  return content.length === 0 ? [] : [{ type: 'text', text: '[The result of a tool:]' }, ...content];
}

/** Drops the oldest messages, so that the rest begins with a user's message that answers no call. */
function boundSeed(messages: readonly SeedMessage[], maxChars: number): readonly SeedMessage[] {
  let first = messages.length;
  for (let index = messages.length - 1, room = maxChars; index >= 0; index -= 1) {
    room -= countChars(messages[index]?.content ?? []);
    if (room < 0) break;
    if (beginsConversation(messages[index])) first = index;
  }
  const kept = messages.slice(first);
  if (first === 0) return kept;
  const [head, ...rest] = kept;
  // An assistant's first words need a message before them.
  if (head === undefined) return [];
  return [{ role: 'user', content: [OMITTED, ...head.content] }, ...rest];
}

function beginsConversation(message: SeedMessage | undefined): boolean {
  return message?.role === 'user' && message.content.every(({ type }) => type !== 'tool-result');
}

function countChars(content: readonly SeedBlock[]): number {
  return content.reduce((sum, block) => sum + lengthOf(block), 0);
}

function lengthOf(block: SeedBlock): number {
  switch (block.type) {
    case 'text':
      return block.text.length;
    case 'image':
    case 'document':
      return block.source.type === 'text' ? block.source.data.length : MEDIA_CHARS;
    case 'tool-call':
      return JSON.stringify(block.input).length;
    case 'tool-result':
      return countChars(block.content);
    default:
      return block satisfies never;
  }
}
