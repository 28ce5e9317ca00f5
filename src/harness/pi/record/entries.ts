import { randomBytes } from 'node:crypto';
import type { JsonObject, JsonValue } from '../../../domain/harness-event.js';

/** Where and when entries are added. */
export interface EntryPlace {
  /** The id of the last entry that is kept; `null` for none. */
  readonly parentId: string | null;
  /** In milliseconds since the epoch. */
  readonly now: number;
}

const NO_TOKENS: JsonObject = {
  ...{ input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0 },
  cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 },
};

/** The first line of a session file, as pi 1.6.0 writes it. */
export function toPiHeader(id: string, cwd: string, now: number): JsonObject {
  return { type: 'session', version: 3, id, timestamp: new Date(now).toISOString(), cwd };
}

/** Entries with these messages, one after the other. */
export function toMessageEntries(
  messages: readonly JsonObject[],
  { parentId, now }: EntryPlace,
): readonly JsonObject[] {
  let parent = parentId;
  return messages.map((message, index) => {
    const id = randomBytes(4).toString('hex');
    const entry = {
      ...{ type: 'message', id, parentId: parent, timestamp: new Date(now).toISOString() },
      message: { ...message, timestamp: now + index },
    };
    parent = id;
    return entry;
  });
}

/** A message of the user. */
export function userMessage(content: JsonValue): JsonObject {
  return { role: 'user', content };
}

/** A message of a model that pi does not know, so that it leaves out what only that model's provider understands (1.6.0, seen). */
export function assistantMessage(content: readonly JsonObject[], hasCalls: boolean): JsonObject {
  return {
    ...{ role: 'assistant', content, api: 'chiron', provider: 'chiron', model: 'chiron' },
    ...{ usage: NO_TOKENS, stopReason: hasCalls ? 'toolUse' : 'stop' },
  };
}

/** The result of a tool. */
export function resultMessage(
  { id, name }: { readonly id: string; readonly name: string },
  content: JsonValue,
  isError: boolean,
): JsonObject {
  return { role: 'toolResult', toolCallId: id, toolName: name, content, isError };
}
