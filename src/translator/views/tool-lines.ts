// Renders inner tools as text like Claude Code's own output. The text is Markdown, because clients render an answer as Markdown.
import { toPlainOutput } from './plain-output.js';
import type { McpToolResultBlock, McpToolUseBlock } from '../../anthropic/stream-event.js';
import { truncateAtCodePoint } from '../../domain/surrogates.js';
import { describeCall } from './call-description.js';

/** Maximum length of a call's argument and of a result's line. All limits here are in characters. */
const MAX_ARGUMENT = 200;
const MAX_LINE = 200;
/** Maximum lines of a result; the others are folded. */
const MAX_LINES = 4;
/** How much of a result is searched for these lines. */
const MAX_SCANNED = 16_384;

/** What Claude Code adds to a result for its model only: the tags of a failure, and the frame of a sub-agent's report. [2.1.330] */
const FAILURE = /^<tool_use_error>([\s\S]*?)(?:<\/tool_use_error>)?$/;
const REPORT = /^\[Subagent hand-back\][^\n]*\n([\s\S]*?)(?:\nagentId: [\s\S]*)?$/;

/**
 * Renders a call as one line, such as `Bash(ls -la)`, without a line end. It has no bullet: Claude Code's terminal puts one before
 * each text block.
 */
export function renderCall(block: McpToolUseBlock): string {
  const { name, argument } = describeCall(block);
  return escapeMarkdown(`${oneLine(name)}(${oneLine(argument)})`);
}

/**
 * Renders a result for below the line of its call, as a code block: output is not Markdown, and its headings, lists and stars must
 * not be rendered. The block's language keeps Claude Code from colouring it. `limit` is the maximum output in characters.
 */
export function renderResult({ content, is_error: isError }: McpToolResultBlock, limit: number): string {
  const text = withoutFrame(content.map((part) => part.text).join('\n')).trimEnd();
  const mark = isError && !/^error\b/i.test(text) ? 'Error: ' : '';
  const lines = fold(text, Math.min(limit, MAX_SCANNED));
  return ['```text', `⎿  ${mark}${lines[0] || '(no output)'}`, ...lines.slice(1).map(indent), '```'].join('\n');
}

function withoutFrame(text: string): string {
  const report = REPORT.exec(text)?.[1];
  // Each line of a report is indented by two.
  return report?.replaceAll(/^ {2}/gm, '') ?? FAILURE.exec(text)?.[1] ?? text;
}

/** Returns the first lines of an output, and a line with the number of omitted lines. */
function fold(text: string, limit: number): readonly string[] {
  const scanned = text.length > limit ? truncateAtCodePoint(text, limit) : text;
  const lines = toPlainOutput(scanned)
    .replace(/^(?:[^\S\n]*\n)+/, '')
    .trimEnd()
    .split('\n');
  const unscannedLines = countLinesFrom(text, scanned.length);
  const shown = lines.length + unscannedLines > MAX_LINES + 1 ? lines.slice(0, MAX_LINES) : lines;
  const more = lines.length - shown.length + unscannedLines;
  const cutLines = shown.map((line, index) => {
    // The last scanned line may continue in the unscanned text.
    const unscannedChars = index === lines.length - 1 && unscannedLines === 0 ? text.length - scanned.length : 0;
    return cut(line, Math.min(MAX_LINE, limit), unscannedChars);
  });
  return more === 0 ? cutLines : [...cutLines, `… +${more} lines`];
}

/** Counts the lines that start after this index of a text. */
function countLinesFrom(text: string, from: number): number {
  let count = 0;
  for (let end = text.indexOf('\n', from); end !== -1; end = text.indexOf('\n', end + 1)) count += 1;
  return count;
}

/** Indents by three columns, to align with the first line; by four for a line that would end the code block. */
function indent(line: string): string {
  if (line === '') return '';
  return line.startsWith('```') ? `    ${line}` : `   ${line}`;
}

function oneLine(text: string): string {
  const [first = '', ...more] = toPlainOutput(truncateAtCodePoint(text.trim(), MAX_SCANNED)).split('\n');
  const line = cut(first, MAX_ARGUMENT, more.length > 0 ? 0 : Math.max(0, text.length - MAX_SCANNED));
  return more.length === 0 ? line : `${line.trimEnd()} … +${more.length} ${more.length === 1 ? 'line' : 'lines'}`;
}

function cut(line: string, limit: number, unscannedChars: number): string {
  const omittedChars = line.length + unscannedChars - limit;
  return omittedChars <= 0 ? line : `${truncateAtCodePoint(line, limit)}… [${omittedChars} more characters]`;
}

/** Escapes a line for Markdown. Links stay unchanged: Markdown does not interpret their content. */
function escapeMarkdown(line: string): string {
  return line
    .split(/(https?:\/\/[^\s<]+)/)
    .map((piece, index) => (index % 2 === 1 ? piece : piece.replaceAll(SPECIAL, String.raw`\$&`)))
    .join('');
}

/** Special characters of a Markdown line: `_` only at the edge of a word, `&` only in an entity, `]` and `.` only in a link. */
const SPECIAL = /[\\`*<~]|\](?=[([])|&(?=#?\w+;)|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|(?<=\bwww)\./gu;
