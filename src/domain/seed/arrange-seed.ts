import type { PromptBlock } from '../prompt.js';
import type { SeedBlock, SeedMessage } from './seed-message.js';

/** One block of an earlier conversation where a reader found it: calls and results may be anywhere. */
export interface SeedPart {
  readonly role: SeedMessage['role'];
  readonly block: SeedBlock;
}

type SeedCall = Extract<SeedBlock, { readonly type: 'tool-call' }>;
type SeedResult = Extract<SeedBlock, { readonly type: 'tool-result' }>;

/** The start of a seed that lacks earlier messages. */
export const EARLIER_OMITTED = '[Earlier messages are omitted.]';

/** The result of a call that has none in the conversation. */
const NO_RESULT = '[The result of this call is not known.]';

/**
 * Arranges the blocks of a conversation as a seed: the roles alternate, and each call is followed by its result. A call without a
 * result gets an error as its result, a result without a call becomes a text of the user, and a second call with the same id is dropped. The
 * calls of one message that were answered one by one become messages of their own.
 *
 * Of a conversation with more than `maxChars` characters of text only the newest messages remain, after a note; a call is not
 * separated from its result. Images and documents in base64 do not count.
 */
export function arrangeSeed(parts: readonly SeedPart[], maxChars = Infinity): readonly SeedMessage[] {
  return keepNewest(joinMessages(pairCalls(parts)), maxChars);
}

/** Puts the results of calls after the last of the calls that were made together, and nothing between them. */
function pairCalls(parts: readonly SeedPart[]): readonly SeedPart[] {
  const results = findResults(parts);
  const seen = new Set<string>();
  const paired: SeedPart[] = [];
  let open: SeedCall[] = [];
  const close = (): void => {
    for (const { id } of open) paired.push({ role: 'user', block: results.get(id) ?? toMissingResult(id) });
    open = [];
  };
  for (const { role, block } of parts) {
    switch (block.type) {
      case 'tool-call':
        if (seen.has(block.id)) break;
        seen.add(block.id);
        open.push(block);
        paired.push({ role: 'assistant', block });
        break;
      case 'tool-result':
        close();
        if (results.get(block.id) !== block && !seen.has(block.id)) paired.push(...toStrayResult(block));
        break;
      default:
        if (role === 'user') close();
        paired.push({ role, block: role === 'user' ? block : toAssistantBlock(block) });
    }
  }
  close();
  return paired;
}

/** Finds the first result after each call. */
function findResults(parts: readonly SeedPart[]): ReadonlyMap<string, SeedResult> {
  const calls = new Set<string>();
  const results = new Map<string, SeedResult>();
  for (const { block } of parts) {
    if (block.type === 'tool-call') calls.add(block.id);
    if (block.type === 'tool-result' && calls.has(block.id) && !results.has(block.id)) results.set(block.id, block);
  }
  return results;
}

function toMissingResult(id: string): SeedResult {
  return { type: 'tool-result', id, content: [{ type: 'text', text: NO_RESULT }], isError: true };
}

function toStrayResult({ content, isError }: SeedResult): readonly SeedPart[] {
  const head: PromptBlock = { type: 'text', text: `[result of a tool call${isError ? ', which failed' : ''}]` };
  return [head, ...content].map((block) => ({ role: 'user', block }));
}

/** Providers accept only text in an assistant's message. */
function toAssistantBlock(block: PromptBlock): PromptBlock {
  return block.type === 'text' ? block : { type: 'text', text: `[${block.type}]` };
}

function joinMessages(parts: readonly SeedPart[]): readonly SeedMessage[] {
  const messages: { readonly role: SeedMessage['role']; readonly content: SeedBlock[] }[] = [];
  for (const { role, block } of parts) {
    const last = messages.at(-1);
    if (last?.role === role) last.content.push(block);
    else messages.push({ role, content: [block] });
  }
  return messages;
}

function keepNewest(messages: readonly SeedMessage[], maxChars: number): readonly SeedMessage[] {
  let first = messages.length;
  let room = maxChars;
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    const message = messages[index];
    room -= countChars(message?.content ?? []);
    if (room < 0) break;
    if (message !== undefined && !hasResult(message)) first = index;
  }
  const kept = messages.slice(first);
  // A conversation that begins with the assistant lacks the message that it answers.
  if (first === 0 && kept[0]?.role !== 'assistant') return kept;
  const note = { type: 'text', text: EARLIER_OMITTED } as const;
  const [head, ...rest] = kept;
  return head?.role === 'user'
    ? [{ role: 'user', content: [note, ...head.content] }, ...rest]
    : [{ role: 'user', content: [note] }, ...kept];
}

function hasResult({ content }: SeedMessage): boolean {
  return content.some(({ type }) => type === 'tool-result');
}

/** Counts the characters of the texts, inputs and results of blocks. */
export function countChars(blocks: readonly SeedBlock[]): number {
  return blocks.reduce((sum, block) => sum + countBlockChars(block), 0);
}

function countBlockChars(block: SeedBlock): number {
  switch (block.type) {
    case 'text':
      return block.text.length;
    case 'image':
    case 'file':
      return 0;
    case 'document':
      return block.source.type === 'text' ? block.source.data.length : 0;
    case 'tool-call':
      return JSON.stringify(block.input).length;
    case 'tool-result':
      return countChars(block.content);
    default:
      return block satisfies never;
  }
}
