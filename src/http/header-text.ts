/** Node reads and writes header bytes as Latin-1; callers send UTF-8. */
export function decodeHeader(value: string): string {
  return Buffer.from(value, 'latin1').toString('utf8');
}

/** A text as a header can carry it: its UTF-8 bytes. */
export function encodeHeader(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
