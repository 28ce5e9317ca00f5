import { stripVTControlCharacters } from 'node:util';

/** A carriage return overwrites its line, as progress bars do: only the last text is visible. */
const OVERWRITTEN = /[^\n]*\r(?=[^\n\r])/g;
/** A backspace deletes one character, as in the bold letters of manual pages. */
const BACKSPACED = /[^\n][\b]/g;
const LINE_ENDS = /\r\n|[\v\f\u0085\u2028\u2029]/g;
/** Characters that a terminal interprets, that reverse the order of a line, or that hide text. */
const INVISIBLE = /[^\P{Cc}\n]|\p{Bidi_Control}|[\u{e0000}-\u{e007f}]/gu;
/**
 * Tags that Claude Code interprets: it removes the first four with their content from the answers that it shows, and treats the
 * others as its own additions to a conversation. [Claude Code 2.1.330, 2.1.197]
 */
const TAGS =
  /<(?=\/?(?:commit_analysis|context|function_analysis|pr_analysis|system-reminder|(?:local-)?command-[a-z]+|task-notification)\b)/gi;

/** Converts output to what a terminal would show, without anything that a terminal or Claude Code would interpret. */
export function toPlainOutput(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(LINE_ENDS, '\n')
    .replaceAll(OVERWRITTEN, '')
    .replaceAll('\r', '')
    .replaceAll(BACKSPACED, '')
    .replaceAll('\t', '    ')
    .replaceAll(INVISIBLE, '')
    .replaceAll(TAGS, '‹');
}
