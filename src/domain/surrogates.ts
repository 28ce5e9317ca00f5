// A harness may cut its text anywhere, even within a surrogate pair. Encoders replace a lone surrogate with U+FFFD or reject it, so a
// trailing high surrogate waits for the next piece.

/** Replaces a lone surrogate. */
export const REPLACEMENT = '\uFFFD';

/** A well-formed piece of text, and the high surrogate that waits for the next piece ('' for none). */
export interface CompleteText {
  readonly text: string;
  readonly held: string;
}

/** Whether a UTF-16 unit starts a surrogate pair. */
function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

const SURROGATE = /[\uD800-\uDFFF]/;
/** With the `u` flag, this matches only lone surrogates. */
const LONE_SURROGATES = /\p{Surrogate}/gu;

/** Replaces each lone surrogate with U+FFFD. */
export function replaceLoneSurrogates(text: string): string {
  return SURROGATE.test(text) ? text.replaceAll(LONE_SURROGATES, REPLACEMENT) : text;
}

/** Returns the start of a text: at most `length` UTF-16 units, without splitting a surrogate pair. */
export function truncateAtCodePoint(text: string, length: number): string {
  const end = isHighSurrogate(text.charCodeAt(length - 1)) ? length - 1 : length;
  return text.slice(0, end);
}

/** Joins the held surrogate with the next, non-empty piece of the same block, and holds a trailing high surrogate. */
export function joinSurrogates(held: string, piece: string): CompleteText {
  const text = held + piece;
  if (!isHighSurrogate(text.charCodeAt(text.length - 1))) return { text: replaceLoneSurrogates(text), held: '' };
  return { text: replaceLoneSurrogates(text.slice(0, -1)), held: text.slice(-1) };
}
