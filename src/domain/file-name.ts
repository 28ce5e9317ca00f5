import { truncateAtCodePoint } from './surrogates.js';

/** What file systems take is 255 bytes; the rest is for drafts and copies. */
const MAX_BYTES = 200;

/** What a file without a usable name is called, before its ending. */
const UNNAMED = 'unnamed';

/**
 * Makes a name that is safe in every folder from the name that a caller gives: its last component, without control characters and characters that some
 * system does not take, and not too long. `unnamed` with the ending if nothing is left.
 *
 * @param ending such as `.pdf`, for a file without a name
 */
export function toFileName(given: string | undefined, ending = ''): string {
  const last = (given ?? '').split(/[/\\]/).at(-1) ?? '';
  const clean = last
    .normalize('NFC')
    // Half of a character, which no file system can keep.
    .replaceAll(/\p{Surrogate}/gu, '\ufffd')
    // Directional marks make a name look like another one.
    .replaceAll(/[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff<>:"|?*]/gu, '')
    .trim();
  if (clean === '' || /^\.+$/.test(clean)) return `${UNNAMED}${ending}`;
  return shorten(clean);
}

/** Cuts a name before its ending. */
function shorten(name: string): string {
  if (Buffer.byteLength(name) <= MAX_BYTES) return name;
  const ending = /\.[\w-]{1,16}$/.exec(name)?.[0] ?? '';
  let stem = truncateAtCodePoint(name.slice(0, name.length - ending.length), MAX_BYTES - ending.length);
  while (Buffer.byteLength(stem) > MAX_BYTES - ending.length) stem = truncateAtCodePoint(stem, stem.length - 1);
  return `${stem}${ending}`;
}
