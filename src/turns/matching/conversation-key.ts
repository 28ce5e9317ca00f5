import { createHash } from 'node:crypto';
import { runInSlices } from '../../workers/in-slices.js';
import { type TextFilter, keepText } from '../../domain/text-filter.js';
import { readContent, readRole } from '../../anthropic/content.js';
import { isJsonObject, toText } from '../../domain/json.js';
import type { JsonObject } from '../../domain/harness-event.js';
import { splitIntoSlices } from '../../domain/json-slices.js';
import { PartsHash, pushJson, pushText } from './parts-hash.js';

/**
 * Computes the keys of a conversation, one per change of role: hashes of the canonical conversation up to there. Two conversations
 * with the same key have the same content.
 *
 * Only the roles and contents of messages count, because clients change the rest between a request and its retry: everything outside
 * `messages`, `system` messages, cache markers, thinking, the blocks of inner tools, `is_error: false`, whether a text is a string or
 * a block, and how consecutive messages of one role are split. White space in the agent's text does not count either, because
 * clients join its blocks in different ways. `read` removes what a client adds to its user's texts.
 *
 * @param read removes from the user's texts what the user did not write.
 * @param after the key of the conversation that these messages continue. A conversation in parts has the same keys as the complete
 *   one, provided that the role changes between the parts.
 */
export function computeConversationKeys(
  messages: readonly unknown[],
  after = '',
  read: TextFilter = keepText,
): Promise<readonly string[]> {
  return runInSlices(computeKeys(messages, after, read));
}

function* computeKeys(
  messages: readonly unknown[],
  after: string,
  read: TextFilter,
): Generator<undefined, readonly string[]> {
  const keys: string[] = [];
  let run: PartsHash | undefined;
  let currentRole = '';
  for (const message of messages) {
    const role = readRole(message);
    if (role !== 'user' && role !== 'assistant') continue;
    if (run === undefined || role !== currentRole) {
      if (run !== undefined) keys.push(run.digest());
      run = new PartsHash();
      run.push(keys.at(-1) ?? after, role);
      currentRole = role;
    }
    yield* canonicalContent(message, run, role === 'user' ? read : undefined);
  }
  if (run !== undefined) keys.push(run.digest());
  return keys;
}

/** Computes the key of the complete conversation, which two requests for the same turn share. */
export async function computeRequestKey(
  messages: readonly unknown[],
  after = '',
  read: TextFilter = keepText,
): Promise<string> {
  return (await computeConversationKeys(messages, after, read)).at(-1) ?? after;
}

/**
 * Makes the key of a turn's request from the conversation's key and the schema of the answer: the same conversation with another
 * schema is another request.
 */
export function computeTurnKey(conversationKey: string, schema: object | undefined): string {
  if (schema === undefined) return conversationKey;
  return `${conversationKey}/${createHash('sha256').update(JSON.stringify(schema)).digest('hex').slice(0, 16)}`;
}

/** Returns the conversation's key of a {@link computeTurnKey}. */
export function toConversationKey(turnKey: string): string {
  return turnKey.split('/')[0] ?? turnKey;
}

/** Computes the conversation key of a turn's request with its answer, from the request's {@link computeTurnKey}. */
export function computeAnswerKey(key: string, content: readonly unknown[]): Promise<string> {
  return computeRequestKey([{ role: 'assistant', content }], toConversationKey(key));
}

/** @param read filters the user's texts; `undefined` for texts of the agent. */
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

function* canonicalBlock(
  block: JsonObject,
  parts: PartsHash,
  read: TextFilter | undefined,
): Generator<undefined, void> {
  yield;
  switch (block['type']) {
    case 'text':
      if (typeof block['text'] === 'string') yield* canonicalText(block['text'], parts, read);
      return;
    case 'tool_use':
      parts.push(`\u0002call ${toText(block['id'])} ${toText(block['name'])}`);
      yield* pushJson(block['input'] ?? null, parts);
      return;
    case 'tool_result':
      parts.push(`\u0002result ${toText(block['tool_use_id'])}${block['is_error'] === true ? ' failed' : ''}`);
      yield* canonicalContent(block, parts, read);
      return;
    case 'container_upload':
      parts.push(`\u0002file ${toText(block['file_id'])}`);
      return;
    case 'image':
    case 'document':
    case 'search_result':
      parts.push(`\u0002${block['type']}`);
      yield* pushJson([block['source'] ?? null, block['title'] ?? null, block['context'] ?? null], parts);
      yield* canonicalContent(block, parts, read);
      return;
    default:
      // Thinking and the blocks of inner tools, which callers may or may not send back.
      return;
  }
}

function* canonicalText(text: string, parts: PartsHash, read: TextFilter | undefined): Generator<undefined, void> {
  if (read === undefined) {
    for (const slice of splitIntoSlices(text)) {
      parts.appendWithoutSpaces(slice);
      yield;
    }
    return;
  }
  const kept = read(text).trim();
  if (kept !== '') yield* pushText(kept, parts);
}
