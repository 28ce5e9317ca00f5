// What an inner tool did as text that reads like Claude Code's own output, and is Markdown, as clients render an answer as such.
import { plainOutput } from './plain-output.js';
import type { McpToolResultBlock, McpToolUseBlock } from '../../anthropic/stream-event.js';
import { truncateAtCodePoint } from '../../domain/well-formed.js';
import { toolTitle } from './tool-title.js';

/** Longest argument of a call, and longest line of a result. In characters, as all limits here. */
const MAX_ARGUMENT = 200;
const MAX_LINE = 200;
/** Lines of a result that are shown; more are folded. */
const MAX_LINES = 4;
/** How much of a result is looked at to find these lines. */
const MAX_LOOKED_AT = 16_384;

/** What Claude Code writes around a result for its model only: the tags of a failure, and the frame of a sub-agent's report. [2.1.330] */
const FAILURE = /^<tool_use_error>([\s\S]*?)(?:<\/tool_use_error>)?$/;
const REPORT = /^\[Subagent hand-back\][^\n]*\n([\s\S]*?)(?:\nagentId: [\s\S]*)?$/;

/**
 * A call in one line, such as `Bash(ls -la)`, without its end. It begins with no bullet: Claude Code's terminal puts one before each
 * block of text.
 */
export function callText(block: McpToolUseBlock): string {
  const { name, argument } = toolTitle(block);
  return escaped(`${oneLine(name)}(${oneLine(argument)})`);
}

/**
 * A result as it stands below the line of its call. In a code block, as an output is no Markdown: headings, lists and stars in it are
 * shown as they are; its language keeps Claude Code from colouring it. `limit` is the longest output that is shown.
 */
export function resultText({ content, is_error: isError }: McpToolResultBlock, limit: number): string {
  const text = withoutFrame(content.map((part) => part.text).join('\n')).trimEnd();
  const mark = isError && !/^error\b/i.test(text) ? 'Error: ' : '';
  const lines = folded(text, Math.min(limit, MAX_LOOKED_AT));
  return ['```text', `⎿  ${mark}${lines[0] || '(no output)'}`, ...lines.slice(1).map(indented), '```'].join('\n');
}

function withoutFrame(text: string): string {
  const report = REPORT.exec(text)?.[1];
  // Each line of a report is indented by two.
  return report?.replaceAll(/^ {2}/gm, '') ?? FAILURE.exec(text)?.[1] ?? text;
}

/** The first lines of an output, and how many more there are. */
function folded(text: string, limit: number): readonly string[] {
  const looked = text.length > limit ? truncateAtCodePoint(text, limit) : text;
  const lines = plainOutput(looked)
    .replace(/^(?:[^\S\n]*\n)+/, '')
    .trimEnd()
    .split('\n');
  const left = linesIn(text, looked.length);
  const shown = lines.length + left > MAX_LINES + 1 ? lines.slice(0, MAX_LINES) : lines;
  const more = lines.length - shown.length + left;
  const cutLines = shown.map((line, index) => {
    // The last line that was looked at goes on in what was not.
    const unseen = index === lines.length - 1 && left === 0 ? text.length - looked.length : 0;
    return cut(line, Math.min(MAX_LINE, limit), unseen);
  });
  return more === 0 ? cutLines : [...cutLines, `… +${more} lines`];
}

/** How many lines begin behind this place of a text. */
function linesIn(text: string, from: number): number {
  let count = 0;
  for (let end = text.indexOf('\n', from); end !== -1; end = text.indexOf('\n', end + 1)) count += 1;
  return count;
}

/** Three columns in, below the first line of the result. One more for what would end the code block. */
function indented(line: string): string {
  if (line === '') return '';
  return line.startsWith('```') ? `    ${line}` : `   ${line}`;
}

function oneLine(text: string): string {
  const [first = '', ...more] = plainOutput(truncateAtCodePoint(text.trim(), MAX_LOOKED_AT)).split('\n');
  const line = cut(first, MAX_ARGUMENT, more.length > 0 ? 0 : Math.max(0, text.length - MAX_LOOKED_AT));
  return more.length === 0 ? line : `${line.trimEnd()} … +${more.length} ${more.length === 1 ? 'line' : 'lines'}`;
}

function cut(line: string, limit: number, unseen: number): string {
  const left = line.length + unseen - limit;
  return left <= 0 ? line : `${truncateAtCodePoint(line, limit)}… [${left} more characters]`;
}

/** A line as Markdown that is shown as the line. Links are left as they are: Markdown does not read inside of them. */
function escaped(line: string): string {
  return line
    .split(/(https?:\/\/[^\s<]+)/)
    .map((piece, index) => (index % 2 === 1 ? piece : piece.replaceAll(SPECIAL, String.raw`\$&`)))
    .join('');
}

/** What means something within a line of Markdown; `_` only where a word begins or ends, `&` only in an entity, `]` and `.` only in a link. */
const SPECIAL = /[\\`*<~]|\](?=[([])|&(?=#?\w+;)|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|(?<=\bwww)\./gu;
