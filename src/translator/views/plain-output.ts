import { stripVTControlCharacters } from 'node:util';

/** A carriage return writes over its line, as progress bars do: only what was written last is seen. */
const OVERWRITTEN = /[^\n]*\r(?=[^\n\r])/g;
/** A backspace takes back one character, as in the bold letters of manual pages. */
const TAKEN_BACK = /[^\n][\b]/g;
const LINE_ENDS = /\r\n|[\v\f\u0085\u2028\u2029]/g;
/** What a terminal would act on, what turns the order of a line around, and what hides words in it. */
const INVISIBLE = /[^\P{Cc}\n]|\p{Bidi_Control}|[\u{e0000}-\u{e007f}]/gu;
/**
 * Tags that mean something to Claude Code: it cuts the first four, with what is between them, out of the answers that it shows, and
 * takes the others for its own words in a conversation. [Claude Code 2.1.330, 2.1.197]
 */
const TAGS =
  /<(?=\/?(?:commit_analysis|context|function_analysis|pr_analysis|system-reminder|(?:local-)?command-[a-z]+|task-notification)\b)/gi;

/** A text as it can stand in an answer: as a terminal would show it, without what a terminal or Claude Code would act on. */
export function plainOutput(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(LINE_ENDS, '\n')
    .replaceAll(OVERWRITTEN, '')
    .replaceAll('\r', '')
    .replaceAll(TAKEN_BACK, '')
    .replaceAll('\t', '    ')
    .replaceAll(INVISIBLE, '')
    .replaceAll(TAGS, '‹');
}
