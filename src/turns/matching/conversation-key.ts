import { createHash } from 'node:crypto';
import { truncateAtCodePoint } from '../../domain/well-formed.js';
import { inSlices } from '../../workers/in-slices.js';
import { type TextFilter, keepText, withoutReminders } from '../../clients/claude-code/system-reminder.js';

/**
 * What Claude Code writes as the user when a stream ended without its end: a request for the rest of the answer, not a new
 * message. [Claude Code 2.1.330]
 */
const CUT_OFF = 'Your response above was cut off';

/** The variant that asks for the whole answer again. [Claude Code 2.1.330] */
const START_AGAIN = 'Write the complete response again from the start';

/** What Claude Code writes as the user when its user pressed Escape. [Claude Code 2.1.330] */
const INTERRUPTED = '[Request interrupted by user';

type Fields = Readonly<Record<string, unknown>>;

/** A conversation without the exchanges that only repair a broken stream. */
export interface StrippedConversation {
  readonly messages: readonly unknown[];
  /** The text of the answer that the caller already has, when it asks for the rest; `undefined` when it asks for all of it. */
  readonly partialAnswer: string | undefined;
}

/**
 * Takes Claude Code's own recoveries off the end of a conversation: after a cut stream it sends the partial answer and a user
 * message that asks to go on, up to three times.
 */
export function stripRecoveryMessages(messages: readonly unknown[]): StrippedConversation {
  let end = messages.length;
  let received: string | undefined;
  while (end >= 2) {
    const asked = lastUser(messages, end);
    const text = asked === -1 ? '' : readText(messages[asked]);
    if (asked < 1 || !text.startsWith(CUT_OFF) || role(messages[asked - 1]) !== 'assistant') break;
    if (!text.includes(START_AGAIN)) received = readText(messages[asked - 1]) + (received ?? '');
    end = asked - 1;
  }
  return { messages: end === messages.length ? messages : messages.slice(0, end), partialAnswer: received };
}

/** Whether the caller's history says that its user interrupted the answer before this message. */
export function endsWithInterruptMarker(messages: readonly unknown[]): boolean {
  const last = lastUser(messages, messages.length);
  if (last === -1) return false;
  // The marker is a text of its own, in the newest user message or in the one before it.
  return contentTexts(messages[last])
    .concat(contentTexts(messages[last - 1]))
    .some((text) => text.startsWith(INTERRUPTED));
}

/**
 * The keys of a conversation, one for each change of speaker: hashes of it, up to there, in canonical form. Two conversations with
 * the same key said the same.
 *
 * Of a message only its role and what was said counts. Not counted, as clients change it between a request and its retry:
 * everything outside `messages`, `system` messages, cache markers, thinking, the blocks that show inner tools, `is_error: false`,
 * whether a text is a string or a block, and where one message of a role ends and the next begins. Of the agent's text the white space does not count either, as clients join its blocks in different ways. [Claude Code
 * 2.1.330: markers move, reminders come and go, a one-block system message comes back as a string]
 *
 * @param read what is taken of a text of the user: of Claude Code's what its user wrote, without reminders.
 * @param after the key of the conversation that these messages go on with: a conversation that is sent in parts has the keys of the
 *   whole, as long as the role changes where the parts meet.
 */
export function conversationKeys(
  messages: readonly unknown[],
  after = '',
  read: TextFilter = keepText,
): Promise<readonly string[]> {
  return inSlices(computeKeys(messages, after, read));
}

function* computeKeys(
  messages: readonly unknown[],
  after: string,
  read: TextFilter,
): Generator<undefined, readonly string[]> {
  const keys: string[] = [];
  let run: PartsHash | undefined;
  let speaking = '';
  for (const message of messages) {
    const speaker = role(message);
    if (speaker !== 'user' && speaker !== 'assistant') continue;
    if (run === undefined || speaker !== speaking) {
      if (run !== undefined) keys.push(run.digest());
      run = new PartsHash();
      run.push(keys.at(-1) ?? after, speaker);
      speaking = speaker;
    }
    yield* canonicalContent(message, run, speaker === 'user' ? read : undefined);
  }
  if (run !== undefined) keys.push(run.digest());
  return keys;
}

/** The key that two requests of a thread share when they mean the same turn: that of the whole conversation. */
export async function requestKey(
  messages: readonly unknown[],
  after = '',
  read: TextFilter = keepText,
): Promise<string> {
  return (await conversationKeys(messages, after, read)).at(-1) ?? after;
}

/**
 * The key of a turn's request, of the conversation and of the schema that its answer is to follow: the same words with another
 * schema are another request.
 */
export function turnKey(conversationKey: string, schema: object | undefined): string {
  if (schema === undefined) return conversationKey;
  return `${conversationKey}/${createHash('sha256').update(JSON.stringify(schema)).digest('hex').slice(0, 16)}`;
}

/** The key of the conversation of a turn's request, as {@link turnKey} has it, with its answer. */
export function keyWithAnswer(key: string, content: readonly unknown[]): Promise<string> {
  return requestKey([{ role: 'assistant', content }], key.split('/')[0]);
}

/** Parts at least this long, in characters, are hashed as they are: to join megabytes first would take longer than hashing them. */
const LONG_PART = 1024;

/** A hash of texts one after the other. Short ones are gathered, as each call of the hash has its price. */
class PartsHash {
  readonly #hash = createHash('sha256');
  #gathered = '';

  push(...parts: readonly string[]): void {
    for (const part of parts) {
      this.appendUndelimited(part);
      this.appendUndelimited('\u0000');
    }
  }

  /** Adds a text that is not to be told from the one that follows it. */
  appendUndelimited(text: string): void {
    if (text.length >= LONG_PART) {
      this.#hash.update(this.#gathered).update(text);
      this.#gathered = '';
    } else {
      this.#gathered += text;
      if (this.#gathered.length < LONG_PART) return;
      this.#hash.update(this.#gathered);
      this.#gathered = '';
    }
  }

  digest(): string {
    return this.#hash.update(this.#gathered).digest('hex');
  }
}

/** @param read what is taken of the user's texts; `undefined` for texts of the agent. */
function* canonicalContent(
  message: unknown,
  parts: PartsHash,
  read: TextFilter | undefined,
): Generator<undefined, void> {
  const content = isObject(message) ? message['content'] : undefined;
  yield;
  if (typeof content === 'string') yield* canonicalText(content, parts, read);
  if (!Array.isArray(content)) return;
  for (const block of content as readonly unknown[]) if (isObject(block)) yield* canonicalBlock(block, parts, read);
}

function* canonicalBlock(block: Fields, parts: PartsHash, read: TextFilter | undefined): Generator<undefined, void> {
  yield;
  switch (block['type']) {
    case 'text':
      if (typeof block['text'] === 'string') yield* canonicalText(block['text'], parts, read);
      return;
    case 'tool_use':
      parts.push(`\u0002call ${toText(block['id'])} ${toText(block['name'])}`);
      yield* pushed(JSON.stringify(block['input'] ?? null), parts);
      return;
    case 'tool_result':
      parts.push(`\u0002result ${toText(block['tool_use_id'])}${block['is_error'] === true ? ' failed' : ''}`);
      yield* canonicalContent(block, parts, read);
      return;
    case 'image':
    case 'document':
    case 'search_result':
      parts.push(`\u0002${block['type']}`);
      yield* pushed(JSON.stringify([block['source'], block['title'], block['context']]), parts);
      yield* canonicalContent(block, parts, read);
      return;
    default:
      // Thinking and the blocks of inner tools: callers may or may not send them back.
      return;
  }
}

/** What should be a name, as text, whatever it is. `String` throws for an object that calls something else its `toString`. */
export function toText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function* canonicalText(text: string, parts: PartsHash, read: TextFilter | undefined): Generator<undefined, void> {
  if (read === undefined) {
    for (const stretch of splitIntoStretches(text)) {
      parts.appendUndelimited(stretch.replaceAll(/\s+/g, ''));
      yield;
    }
    return;
  }
  const kept = read(text).trim();
  if (kept !== '') yield* pushed(kept, parts);
}

/** Pushes a text that may be long. */
function* pushed(text: string, parts: PartsHash): Generator<undefined, void> {
  for (const stretch of splitIntoStretches(text)) {
    parts.appendUndelimited(stretch);
    yield;
  }
  parts.push('');
}

/** How much of a text is worked on at a time, in characters: a text may have all of the 32 MB of a request. */
const STRETCH = 256 * 1024;

/** The stretches of a text; a character of two halves is not parted, as each half would be hashed as another character. */
function* splitIntoStretches(text: string): Generator<string, void> {
  for (let start = 0; start < text.length;) {
    const stretch = truncateAtCodePoint(text.slice(start, start + STRETCH), STRETCH);
    yield stretch;
    start += stretch.length;
  }
}

function lastUser(messages: readonly unknown[], end: number): number {
  for (let index = end - 1; index >= 0; index -= 1) {
    const speaker = role(messages[index]);
    if (speaker === 'user') return index;
    if (speaker === 'assistant') return -1;
  }
  return -1;
}

function role(message: unknown): string {
  return isObject(message) && typeof message['role'] === 'string' ? message['role'] : '';
}

function contentTexts(message: unknown): readonly string[] {
  const content = isObject(message) ? message['content'] : undefined;
  if (typeof content === 'string') return [content];
  if (!Array.isArray(content)) return [];
  return (content as readonly unknown[]).flatMap((block) =>
    isObject(block) && block['type'] === 'text' && typeof block['text'] === 'string' ? [block['text']] : [],
  );
}

function readText(message: unknown): string {
  return contentTexts(message).map(withoutReminders).join('');
}

/** Narrows to a JSON object. */
export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
