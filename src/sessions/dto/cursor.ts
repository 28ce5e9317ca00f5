import type { ThreadCursor } from '../../storage/stores/thread.store.js';

/** The place after which the next page of a list begins, as clients hand it back. Opaque to them. */
export function encodeCursor({ updatedAt, id }: ThreadCursor): string {
  return Buffer.from(`${updatedAt}:${id}`).toString('base64url');
}

/** The place that a cursor names, or `undefined` for a text that is none. */
export function decodeCursor(text: string): ThreadCursor | undefined {
  const [, updatedAt, id] = /^(\d{1,15}):([\w-]+)$/.exec(Buffer.from(text, 'base64url').toString('utf8')) ?? [];
  return updatedAt === undefined || id === undefined ? undefined : { updatedAt: Number(updatedAt), id };
}
