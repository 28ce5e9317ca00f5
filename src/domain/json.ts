import type { JsonObject, JsonValue } from './harness-event.js';

/** Parses a line; `undefined` if it is not a JSON object. */
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

/** Converts an unvalidated value to text. Unlike `String`, it does not throw for an object with its own `toString` field. */
export function toText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** Converts `agent_message` to `agentMessage`; a camel case name stays unchanged. */
export function toCamelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Converts an object's own keys to camel case; the values stay unchanged. */
export function withCamelCaseKeys(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [toCamelCase(key), value]));
}

/** A value of the domain's types that is JSON, which TypeScript does not know of interfaces. It is not copied. */
export function asJson(value: object): JsonValue {
  return value as JsonObject;
}
