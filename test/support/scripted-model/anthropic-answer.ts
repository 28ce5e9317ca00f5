import { answerAfter, answerAfterTools, REFUSAL, sceneOf } from './scene.js';
import type { Scene } from './scene.js';

/** Input tokens of a call that answers a prompt, in Anthropic's names. */
export const FIRST_CALL_USAGE = {
  input_tokens: 100,
  cache_creation_input_tokens: 20,
  cache_read_input_tokens: 0,
  cache_creation: { ephemeral_5m_input_tokens: 12, ephemeral_1h_input_tokens: 8 },
} as const;

/** Input tokens of a call that follows tool results, in Anthropic's names. */
export const LATER_CALL_USAGE = {
  input_tokens: 150,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 300,
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
} as const;

/** Output tokens of an answer of this text (a tool call counts its input as JSON): one per four characters, at least one. */
export function scriptedOutputTokens(text: string): number {
  return Math.max(1, Math.ceil(text.length / 4));
}

/** Claude Code 2.1.330's tool for an answer of a schema. */
const ANSWER_TOOL = 'StructuredOutput';
const SLOW_ANSWER_INTERVAL_MS = 50;
const SLOW_ANSWER_WORDS = 20;

/** A JSON object that nothing is known of. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** Text, streamed word by word at an interval in milliseconds. */
export interface TextPart {
  readonly type: 'text';
  readonly text: string;
  readonly intervalMilliseconds: number;
}

/** One call of a tool. */
export interface ToolPart {
  readonly type: 'tool_use';
  readonly id: string;
  readonly name: string;
  readonly input: JsonRecord;
}

/** One content block of an answer. */
export type Part = TextPart | ToolPart;

/** What one request is answered with. `stop` is the reason to stop that does not follow from the parts, with its details. */
export type Answer =
  | {
      readonly kind: 'parts';
      readonly parts: readonly Part[];
      readonly afterTools: boolean;
      readonly stop?: { readonly stop_reason: string; readonly stop_details: JsonRecord | null };
    }
  | { readonly kind: 'fail'; readonly status: number; readonly errorType: string }
  | { readonly kind: 'hang' };

/** What a request is answered with; `call` numbers the requests. */
export function answerTo(body: JsonRecord, call: number): Answer {
  if (isSideRequest(body)) {
    return { kind: 'parts', parts: [textPart('{"title":"A scripted title"}')], afterTools: false };
  }
  const messages = arrayOf(body['messages']).filter(isRecord);
  const scene = sceneOf(messages.flatMap(userTexts).findLast((text) => text.includes('SCENE:')) ?? '');
  if (scene.kind === 'answer') return structured(scene.answers, body, messages, call);
  if (scene.kind === 'stop') return stopped(scene);
  const outputs = toolOutputs(messages);
  if (scene.kind === 'steps') return step(scene.commands, stepsDone(messages), call, outputs ?? []);
  return outputs === undefined ? opening(scene, call) : closing(scene, outputs);
}

/** By Claude Code's tool for it, where that is offered, as a text otherwise. */
function structured(
  answers: readonly string[],
  body: JsonRecord,
  messages: readonly JsonRecord[],
  call: number,
): Answer {
  const prompt = messages.findLastIndex((message) => userTexts(message).some((text) => text.includes('SCENE:')));
  const given = messages.slice(prompt).flatMap((message) => arrayOf(message['content']).filter(isRecord));
  const refused = given.filter((block) => block['type'] === 'tool_use' && block['name'] === ANSWER_TOOL).length;
  const answer = answerAfter(answers, refused);
  const offered = arrayOf(body['tools']).some((tool) => isRecord(tool) && tool['name'] === ANSWER_TOOL);
  const input: unknown = offered ? JSON.parse(answer) : {};
  const part: Part =
    offered && isRecord(input)
      ? { type: 'tool_use', id: `toolu_01scripted${call}x0`, name: ANSWER_TOOL, input }
      : textPart(answer);
  return { kind: 'parts', parts: [part], afterTools: false };
}

function stopped({ reason, text }: Extract<Scene, { readonly kind: 'stop' }>): Answer {
  const stop = { stop_reason: reason, stop_details: reason === 'refusal' ? REFUSAL : null };
  return { kind: 'parts', parts: text === '' ? [] : [textPart(text)], afterTools: false, stop };
}

type PlainScene = Exclude<Scene, { readonly kind: 'answer' | 'stop' | 'steps' }>;

/** The next command of a scene that has one per answer, or the text after the last. */
function step(commands: readonly string[], done: number, call: number, outputs: readonly string[]): Answer {
  const command = commands[done];
  const part = command === undefined ? textPart(answerAfterTools(outputs)) : toolPart(command, call, 0);
  return { kind: 'parts', parts: [part], afterTools: done > 0 };
}

function opening(scene: PlainScene, call: number): Answer {
  switch (scene.kind) {
    case 'text':
      return { kind: 'parts', parts: [textPart(scene.text)], afterTools: false };
    case 'slow':
      return { kind: 'parts', parts: [textPart(slowText(scene.words), scene.intervalMilliseconds)], afterTools: false };
    case 'tools':
      return {
        kind: 'parts',
        parts: [textPart('Let me run it.'), ...scene.commands.map((command, index) => toolPart(command, call, index))],
        afterTools: false,
      };
    case 'use': {
      const part: Part = { type: 'tool_use', id: `toolu_01scripted${call}x0`, name: scene.tool, input: scene.input };
      return { kind: 'parts', parts: [part], afterTools: false };
    }
    case 'fail':
      return scene;
    case 'hang':
      return scene;
    default: {
      const never: never = scene;
      return never;
    }
  }
}

function closing(scene: PlainScene, outputs: readonly string[]): Answer {
  const slow = scene.kind === 'tools' && scene.slowAnswer;
  const last = textPart(answerAfterTools(outputs));
  const parts = slow ? [textPart(slowText(SLOW_ANSWER_WORDS), SLOW_ANSWER_INTERVAL_MS), last] : [last];
  return { kind: 'parts', parts, afterTools: true };
}

function slowText(words: number): string {
  return Array.from({ length: words }, (_, index) => `word${index} `).join('');
}

function textPart(text: string, intervalMilliseconds = 0): TextPart {
  return { type: 'text', text, intervalMilliseconds };
}

function toolPart(command: string, call: number, index: number): ToolPart {
  const input = { command, description: 'Run a command' };
  return { type: 'tool_use', id: `toolu_01scripted${call}x${index}`, name: 'Bash', input };
}

/** A part as a whole content block. */
export function blockOf(part: Part): JsonRecord {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text };
    case 'tool_use':
      return { type: 'tool_use', id: part.id, name: part.name, input: part.input };
    default: {
      const never: never = part;
      return never;
    }
  }
}

/** Whether it is a request of Claude Code beside its conversation, such as for a title. */
export function isSideRequest(body: JsonRecord): boolean {
  const outputConfig = body['output_config'];
  return arrayOf(body['tools']).length === 0 && isRecord(outputConfig) && outputConfig['format'] !== undefined;
}

/**
 * What the tools printed, if the newest user message holds tool results; `undefined` when the newest is a prompt.
 * All user messages since the last assistant message count as one: Claude Code puts "Continue from where you left off."
 * behind the tool results of a turn that it resumes.
 */
function toolOutputs(messages: readonly JsonRecord[]): readonly string[] | undefined {
  const lastAnswer = messages.findLastIndex((message) => message['role'] === 'assistant');
  const newest = messages.slice(lastAnswer + 1).filter((message) => message['role'] === 'user');
  const blocks = newest.flatMap((message) => arrayOf(message['content'])).filter(isRecord);
  const results = blocks.filter((block) => block['type'] === 'tool_result');
  const promptsNow = newest.flatMap(userTexts).some((text) => text.includes('SCENE:'));
  return results.length === 0 || promptsNow ? undefined : results.map((block) => flatten(block['content']));
}

/** How many tools have answered since the prompt of the scene. */
function stepsDone(messages: readonly JsonRecord[]): number {
  const prompt = messages.findLastIndex((message) => userTexts(message).some((text) => text.includes('SCENE:')));
  const blocks = messages.slice(prompt).flatMap((message) => arrayOf(message['content']));
  return blocks.filter((block) => isRecord(block) && block['type'] === 'tool_result').length;
}

/** The user's text in a message, without the reminders that Claude Code adds. */
export function userTexts(message: JsonRecord): readonly string[] {
  if (message['role'] !== 'user') {
    return [];
  }
  const content = message['content'];
  const texts = typeof content === 'string' ? [content] : arrayOf(content).filter(isRecord).map(textOfBlock);
  return texts
    .map((text) => text.replaceAll(/<system-reminder>[\s\S]*?<\/system-reminder>/g, '').trim())
    .filter((text) => text !== '');
}

function textOfBlock(block: JsonRecord): string {
  return block['type'] === 'text' ? textOf(block['text']) : '';
}

/** A content's text blocks, one per line. */
export function flatten(content: unknown): string {
  return typeof content === 'string' ? content : arrayOf(content).filter(isRecord).map(textOfBlock).join('\n');
}

/** The string itself, or an empty one. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The list itself, or an empty one. */
export function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Whether it is a JSON object. */
export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
