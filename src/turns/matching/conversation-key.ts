import { createHash } from 'node:crypto';
import { truncateAtCodePoint } from '../../domain/well-formed.js';
import { inSlices } from '../../workers/in-slices.js';
import { type TextFilter, keepText } from '../../domain/text-filter.js';
import { readContent, readRole } from '../../anthropic/content.js';
import { isJsonObject, toText } from '../../domain/json.js';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The keys of a conversation, one for each change of speaker: hashes of it, up to there, in canonical form. Two conversations with
 * the same key have the same content.
 *
 * Of a message only its role and content count. Clients change the rest between a request and its retry: everything outside
 * `messages`, `system` messages, cache markers, thinking, the blocks that show inner tools, `is_error: false`, whether a text is a
 * string or a block, and where one message of a role ends and the next begins. Of the agent's text the white space does not count
 * either, as clients join its blocks in different ways. What a client adds to its user's texts is taken out by `read`.
 *
 * @param read takes out of the user's texts what the user did not write.
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
    const speaker = readRole(message);
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

  /** Adds a text without a delimiter after it. */
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
  const content = readContent(message);
  yield;
  if (typeof content === 'string') yield* canonicalText(content, parts, read);
  if (!Array.isArray(content)) return;
  for (const block of content as readonly unknown[]) if (isJsonObject(block)) yield* canonicalBlock(block, parts, read);
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
