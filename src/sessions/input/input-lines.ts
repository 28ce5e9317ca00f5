import type { JsonObject } from '../../domain/harness-event.js';
import { isJsonObject, asObject, parseObject, asString } from '../../domain/json.js';
import { sanitizeJsonText } from '../../domain/sanitize-json-text.js';
import type { Prompt, PromptBlock } from '../../domain/prompt.js';
import { findExceededLimit, type MarkBudget } from '../../workers/json-limits.js';
import { toPromptContent, type StagedAttachment, type StagedAttachments } from '../../storage/stores/prompt-content.js';

/** Replaces an empty input, as in centaur's harness-server. */
const EMPTY_INPUT = 'continue';

/** Most marks (see `MAX_MARKS`) in all lines; the limit of the body does not count them, because lines are strings there. */
const MAX_LINE_MARKS = 200_000;

/** Describes what is wrong with the lines, in centaur's words; `undefined` for valid lines. */
export function findInputLinesProblem(lines: readonly string[]): string | undefined {
  const budget: MarkBudget = { remaining: MAX_LINE_MARKS };
  for (const [index, line] of lines.entries()) {
    if (/[\n\r]/.test(line)) return `input_lines[${index}] must be one line`;
    const limit = mayBeObject(line) ? findExceededLimit(Buffer.from(line), budget) : undefined;
    if (limit === 'too deep') return `input_lines[${index}] exceeds the maximum nesting depth`;
    if (limit === 'too many values') return 'input_lines have too many values';
  }
  return undefined;
}

/** The lines of an execution. */
export interface InputLines {
  /** The lines with the user's words; a line that is not a JSON object is text. */
  readonly userLines: readonly JsonObject[];
  /** What they say to the agent, with the files of `attachment.chunk` lines inserted. Never empty. */
  readonly prompt: Prompt;
}

/** Parses lines in the input format of centaur's harnesses. */
export function parseInputLines(lines: readonly string[]): InputLines {
  const parsed = lines.map(
    (line) => (mayBeObject(line) ? parseObject(sanitizeJsonText(line)) : undefined) ?? { type: 'user', text: line },
  );
  const staged = stagedAttachments(parsed);
  const userLines = parsed.filter(isUserLine);
  const blocks = userLines.flatMap((line) => userContent(line, staged));
  return { userLines, prompt: blocks.length === 0 ? [{ type: 'text', text: EMPTY_INPUT }] : blocks };
}

/** Whether the line may be a JSON object; any other line is text. */
function mayBeObject(line: string): boolean {
  return line.trimStart().startsWith('{');
}

/** Lines of other types steer or interrupt a process, or are attachments of another line. */
function isUserLine(line: JsonObject): boolean {
  return line['type'] === undefined || line['type'] === 'user';
}

function userContent(line: JsonObject, staged: StagedAttachments): readonly PromptBlock[] {
  const message = line['message'];
  const content = isJsonObject(message) ? message['content'] : (message ?? line['content'] ?? line['text']);
  return toPromptContent(content, staged);
}

function stagedAttachments(lines: readonly JsonObject[]): StagedAttachments {
  const chunks = new Map<string, Buffer[]>();
  for (const line of lines.map(asObject)) {
    const id = asString(line['attachmentId']);
    if (line['type'] !== 'attachment.chunk' || id === undefined) continue;
    // Each chunk is separate base64 with its own padding, so the texts cannot be concatenated.
    chunks.set(id, [...(chunks.get(id) ?? []), Buffer.from(asString(line['dataBase64']) ?? '', 'base64')]);
  }
  const joined = [...chunks].map(([id, bytes]): [string, StagedAttachment] => [
    id,
    { data: Buffer.concat(bytes).toString('base64') },
  ]);
  return new Map(joined);
}
