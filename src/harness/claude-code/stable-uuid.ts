import { createHash } from 'node:crypto';

/** Derives a UUID from a text: the same one for the same text, in every process. */
export function toStableUuid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  // Version 8 and the variant of RFC 9562.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
