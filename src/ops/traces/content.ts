import type { JsonObject, ToolResultContent } from '../../domain/harness-event.js';
import { type Prompt, readPromptText } from '../../domain/prompt.js';
import { truncateAtCodePoint } from '../../domain/surrogates.js';
import type { Message } from '../../anthropic/stream-event.js';

/** Most characters of one text in a span: collectors refuse spans of megabytes. */
const MAX_TEXT_CHARS = 16_384;

/** The user's message for `gen_ai.input.messages`. Images and documents are left out. */
export function renderInput(prompt: Prompt): string {
  return JSON.stringify([{ role: 'user', parts: [textPart(readPromptText(prompt))] }]);
}

/** The agent's answer for `gen_ai.output.messages`: its text, without thinking and tools. */
export function renderOutput({ content }: Message, finishReason: string): string {
  const parts = content.flatMap((block) => (block.type === 'text' ? [textPart(block.text)] : []));
  return JSON.stringify([{ role: 'assistant', parts, finish_reason: finishReason }]);
}

/** What a tool was called with, for `gen_ai.tool.call.arguments`. */
export function renderToolArguments(input: JsonObject): string {
  return truncate(JSON.stringify(input));
}

/** The text that a tool gave, for `gen_ai.tool.call.result`. */
export function renderToolResult(content: readonly ToolResultContent[]): string {
  return truncate(content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n'));
}

function textPart(content: string): JsonObject {
  return { type: 'text', content: truncate(content) };
}

function truncate(text: string): string {
  return text.length <= MAX_TEXT_CHARS ? text : `${truncateAtCodePoint(text, MAX_TEXT_CHARS - 1)}…`;
}
