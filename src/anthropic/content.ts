import { asObject, isJsonObject } from '../domain/json.js';

/** Returns the texts of a message's content or a system prompt, which is a string or a list of blocks. Never throws. */
export function readTexts(content: unknown): readonly string[] {
  if (typeof content === 'string') return [content];
  if (!Array.isArray(content)) return [];
  return content.flatMap((block: unknown) =>
    isJsonObject(block) && typeof block['text'] === 'string' ? [block['text']] : [],
  );
}

/** Returns the unvalidated content of a message; `undefined` if the value is not a message. */
export function readContent(message: unknown): unknown {
  return asObject(message)['content'];
}

/** Returns the unvalidated role of a message; empty if the value is not a message. */
export function readRole(message: unknown): string {
  const { role } = asObject(message);
  return typeof role === 'string' ? role : '';
}
