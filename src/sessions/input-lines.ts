import type { JsonObject } from '../harness/harness-event.js';
import { isJsonObject, mendedJson, objectOf, parseObject, stringOf } from '../harness/json.js';
import type { Prompt, PromptBlock } from '../harness/prompt.js';
import { promptContent, type StagedAttachment, type StagedAttachments } from './prompt-content.js';

/** What an empty input becomes; centaur's harness-server says the same (harness-protocols.md 3.2). */
const EMPTY_INPUT = 'continue';

/** What is wrong with the lines, in centaur's words, or `undefined` for good ones. */
export function inputLinesProblem(lines: readonly string[]): string | undefined {
  const index = lines.findIndex((line) => /[\n\r]/.test(line));
  return index === -1 ? undefined : `input_lines[${index}] must be one line`;
}

/**
 * The prompt in the lines that a harness would get on its standard input: user lines in their order, with the files of
 * `attachment.chunk` lines put in. A line that is not a JSON object is text. Never empty.
 */
export function promptOfLines(lines: readonly string[]): Prompt {
  const parsed = lines.map((line) => parseObject(mendedJson(line)) ?? { type: 'user', text: line });
  const staged = stagedAttachments(parsed);
  const blocks = parsed.flatMap((line) => (isUserLine(line) ? userContent(line, staged) : []));
  return blocks.length === 0 ? [{ type: 'text', text: EMPTY_INPUT }] : blocks;
}

/** Lines of other types steer or interrupt a process, or belong to another line. */
function isUserLine(line: JsonObject): boolean {
  return line['type'] === undefined || line['type'] === 'user';
}

function userContent(line: JsonObject, staged: StagedAttachments): readonly PromptBlock[] {
  const message = line['message'];
  const content = isJsonObject(message) ? message['content'] : (message ?? line['content'] ?? line['text']);
  return promptContent(content, staged);
}

function stagedAttachments(lines: readonly JsonObject[]): StagedAttachments {
  const chunks = new Map<string, Buffer[]>();
  for (const line of lines.map(objectOf)) {
    const id = stringOf(line['attachmentId']);
    if (line['type'] !== 'attachment.chunk' || id === undefined) continue;
    // Each chunk is base64 of its own, with its own padding, so that the texts cannot just be joined.
    chunks.set(id, [...(chunks.get(id) ?? []), Buffer.from(stringOf(line['dataBase64']) ?? '', 'base64')]);
  }
  const joined = [...chunks].map(([id, bytes]): [string, StagedAttachment] => [
    id,
    { data: Buffer.concat(bytes).toString('base64') },
  ]);
  return new Map(joined);
}
