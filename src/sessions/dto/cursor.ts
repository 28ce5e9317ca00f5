import type { ThreadCursor } from '../../storage/stores/thread.store.js';

/** Encodes the position after which the next page begins. Opaque to clients. */
export function encodeCursor({ updatedAt, id }: ThreadCursor): string {
  return Buffer.from(`${updatedAt}:${id}`).toString('base64url');
}

/** Decodes a cursor; `undefined` for a text that is not a cursor. */
export function decodeCursor(text: string): ThreadCursor | undefined {
  const [, updatedAt, id] = /^(\d{1,15}):([\w-]+)$/.exec(Buffer.from(text, 'base64url').toString('utf8')) ?? [];
  return updatedAt === undefined || id === undefined ? undefined : { updatedAt: Number(updatedAt), id };
}
