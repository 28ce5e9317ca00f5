import type { JsonObject, JsonValue } from './harness-event.js';

/** An escape that may stand for U+0000, or for half a character. */
const MAYBE_INVALID = /\\u(?:0000|[Dd][89A-Fa-f])/;
/** An escaped backslash, whose second half escapes nothing; a whole character in two escapes; or one that stands for no character. */
const ESCAPES =
  /\\\\|\\u[Dd][89ABab][\dA-Fa-f]{2}\\u[Dd][C-Fc-f][\dA-Fa-f]{2}|\\u(?:0000|[Dd][89A-Fa-f][\dA-Fa-f]{2})/g;
/** The length of such an escape alone: `\uXXXX`. */
const ONE_ESCAPE = 6;

/**
 * JSON text whose strings hold only characters that everybody can take: U+FFFD stands for U+0000, which no program's arguments and
 * no text of PostgreSQL can hold, and for half a character, as of a text that was cut in the middle of one, which a model's API refuses
 * for as long as it is part of the conversation.
 */
export function sanitizeJsonText(text: string): string {
  if (!MAYBE_INVALID.test(text)) return text;
  return text.replaceAll(ESCAPES, (escape) => (escape.length === ONE_ESCAPE ? String.raw`\ufffd` : escape));
}

/** The value that a line holds, or `undefined` when it is not a JSON object. */
export function parseObject(line: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a value out of `JSON.parse` is an object. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object itself, or an empty one for anything else. */
export function asObject(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** The list's elements, or none for anything else. */
export function asArray(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

/** The string itself, or `undefined` for anything else. */
export function asString(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The number itself, or `undefined` for anything else. */
export function asNumber(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** The objects of a list; none for anything else. */
export function asObjects(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** The strings of a list; its other elements are left out. */
export function asStrings(value: JsonValue | undefined): readonly string[] {
  return asArray(value).filter((element) => typeof element === 'string');
}

/** A value that should be a name, as text, whatever it is. `String` throws for an object that calls something else its `toString`. */
export function toText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** `agent_message` as `agentMessage`; a name that is camel case already stays. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The object with its own keys in camel case; the values are untouched. */
export function withCamelCaseKeys(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [camelCase(key), value]));
}
