import type { JsonObject, JsonValue } from '../../../domain/harness-event.js';
import { asObject, asObjects, asString } from '../../../domain/json.js';

/** The message of a transcript's entry; an empty object for an entry without one. */
export function readMessage(entry: JsonObject): JsonObject {
  return asObject(entry['message']);
}

/** The content blocks of an entry's message. */
export function readBlocks(entry: JsonObject): readonly JsonObject[] {
  return asObjects(readMessage(entry)['content']);
}

/** Builds the entry with tool results. */
export function toResultEntry(results: readonly JsonObject[], more: JsonObject = {}): JsonObject {
  return { type: 'user', message: { role: 'user', content: results }, ...more };
}

/** Links new entries to the last one of those that are there. The fields that tell where a conversation runs are taken over from it. */
export function chainEntries(entries: readonly JsonObject[], existing: readonly JsonObject[]): readonly JsonObject[] {
  const parent = existing.findLast((entry) => asString(entry['uuid']) !== undefined);
  if (parent === undefined) return [];
  const { sessionId, cwd, version, gitBranch } = parent;
  const place = definedOnly({ sessionId, cwd, version, gitBranch });
  return entries.map((entry) => ({
    parentUuid: parent['uuid'] ?? null,
    isSidechain: false,
    ...entry,
    userType: 'external',
    ...place,
  }));
}

function definedOnly(fields: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}
