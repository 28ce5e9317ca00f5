/** Decodes a header as UTF-8, which callers send; Node reads and writes header bytes as Latin-1. */
export function decodeHeader(value: string): string {
  return Buffer.from(value, 'latin1').toString('utf8');
}

/** Encodes a text as UTF-8 bytes for a header. */
export function encodeHeader(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
