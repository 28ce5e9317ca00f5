import { asObject, isJsonObject } from '../domain/json.js';

/** The texts of a content or a system prompt: a string is one, a list of blocks has those of its blocks. Never throws. */
export function readTexts(content: unknown): readonly string[] {
  if (typeof content === 'string') return [content];
  if (!Array.isArray(content)) return [];
  return content.flatMap((block: unknown) =>
    isJsonObject(block) && typeof block['text'] === 'string' ? [block['text']] : [],
  );
}

/** The content of a message, which may be anything; `undefined` for what is no message. */
export function readContent(message: unknown): unknown {
  return asObject(message)['content'];
}

/** The role of a message, which may be any text; an empty one for what is no message. */
export function readRole(message: unknown): string {
  const { role } = asObject(message);
  return typeof role === 'string' ? role : '';
}
