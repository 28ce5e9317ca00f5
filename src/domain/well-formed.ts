// A harness may cut its text anywhere, also between the two halves of one character. A half alone is no character: encoders
// write it as U+FFFD or refuse it, so it has to wait for its other half.

/** What stands for a half whose other half never came. */
export const REPLACEMENT = '\uFFFD';

/** A piece of text that can be sent, and the half character that has to wait for the next piece ('' for none). */
export interface CompleteText {
  readonly text: string;
  readonly held: string;
}

/** Whether a UTF-16 unit is the first half of a character. */
function isHighHalf(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

const SURROGATE = /[\uD800-\uDFFF]/;
/** With the `u` flag, only half characters are surrogates. */
const HALVES = /\p{Surrogate}/gu;

/** A text in which U+FFFD stands for each half without its other half. */
export function replaceLoneSurrogates(text: string): string {
  return SURROGATE.test(text) ? text.replaceAll(HALVES, REPLACEMENT) : text;
}

/** The beginning of a text: at most `length` UTF-16 units, and no half character at its end. */
export function truncateAtCodePoint(text: string, length: number): string {
  const end = isHighHalf(text.charCodeAt(length - 1)) ? length - 1 : length;
  return text.slice(0, end);
}

/** Joins what was held back with the next, non-empty piece of the same block, and holds back a trailing half character. */
export function joinSurrogates(held: string, piece: string): CompleteText {
  const text = held + piece;
  if (!isHighHalf(text.charCodeAt(text.length - 1))) return { text: replaceLoneSurrogates(text), held: '' };
  return { text: replaceLoneSurrogates(text.slice(0, -1)), held: text.slice(-1) };
}
