/** JSON text for which there is no value in JavaScript: a key twice, a number out of range, a nesting too deep to write. */
export class RawJson {
  // Declared apart from the constructor's parameters: Node runs only TypeScript that can be erased.
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A JSON value to be written, parts of which may be JSON text already. */
export type JsonNode = string | number | boolean | null | RawJson | readonly JsonNode[] | JsonFields;

/** The fields of a JSON object. */
export interface JsonFields {
  readonly [name: string]: JsonNode;
}

/** Narrows to an object with fields. */
export function isFields(node: JsonNode | undefined): node is JsonFields {
  return typeof node === 'object' && node !== null && !Array.isArray(node) && !(node instanceof RawJson);
}

/** Narrows to a list. */
export function isList(node: JsonNode | undefined): node is readonly JsonNode[] {
  return Array.isArray(node);
}

/** The node as JSON text; half characters become escapes. */
export function jsonText(node: JsonNode): string {
  if (node instanceof RawJson) return node.text;
  if (isList(node)) return `[${node.map(jsonText).join(',')}]`;
  if (isFields(node)) return `{${Object.entries(node).map(field).join(',')}}`;
  return JSON.stringify(node);
}

function field([name, value]: readonly [string, JsonNode]): string {
  return `${JSON.stringify(name)}:${jsonText(value)}`;
}
