/**
 * What a scripted model does in answer to a prompt, the same for every wire protocol.
 *
 * The newest user text that holds `SCENE:` chooses: `SCENE:text [words]` · `SCENE:tool <shell command>` · `SCENE:parallel
 * <command> && <command>` · `SCENE:steps <command> && <command>` (each in an answer of its own) · `SCENE:use <tool> <input as JSON>` (a tool of Claude Code by its name) · `SCENE:slow <words> <milliseconds between>` · `SCENE:slow-tool <shell command>` (the same as tool,
 * with a slow last answer: 20 words, 50 ms apart) · `SCENE:answer <json> then <json>` (answers of a schema, one after the other, as
 * long as they are not taken; the last one again and again) · `SCENE:stop <refusal|max_tokens|model_context_window_exceeded>
 * [words]` (every call stops so) · `SCENE:fail <status> <error type>` · `SCENE:hang`.
 */
export type Scene =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'tools'; readonly commands: readonly string[]; readonly slowAnswer: boolean }
  | { readonly kind: 'answer'; readonly answers: readonly string[] }
  | { readonly kind: 'stop'; readonly reason: StopScene; readonly text: string }
  | { readonly kind: 'steps'; readonly commands: readonly string[] }
  | { readonly kind: 'use'; readonly tool: string; readonly input: Readonly<Record<string, unknown>> }
  | { readonly kind: 'slow'; readonly words: number; readonly intervalMilliseconds: number }
  | { readonly kind: 'fail'; readonly status: number; readonly errorType: string }
  | { readonly kind: 'hang' };

/** What a provider says, with 400 or 413, of a conversation that holds something that it does not take. */
const REFUSALS = {
  'too-long': {
    status: 400,
    type: 'invalid_request_error',
    message: 'prompt is too long: 210000 tokens > 200000 maximum',
  },
  window: {
    status: 400,
    type: 'invalid_request_error',
    message: 'input length and `max_tokens` exceed context limit: 199000 + 32000 > 200000',
  },
  image: {
    status: 400,
    type: 'invalid_request_error',
    message: 'messages.1.content.1.image.source.base64: Could not process image',
  },
  pdf: {
    status: 400,
    type: 'invalid_request_error',
    message: 'messages.1.content.1.document.source.base64.data: The PDF specified was not valid.',
  },
  policy: { status: 400, type: 'invalid_request_error', message: 'Output blocked by content filtering policy' },
  'too-large': { status: 413, type: 'request_too_large', message: 'Request exceeds the maximum size' },
} as const;

/** A reason for which a scripted model refuses a whole conversation. */
export type RefusalReason = keyof typeof REFUSALS;

/** The reasons for which a scripted model refuses whatever conversation holds `REFUSED:<reason>`, as long as it holds it. */
export const REFUSAL_REASONS: readonly RefusalReason[] = ['too-long', 'window', 'image', 'pdf', 'policy', 'too-large'];

/** How a scripted model refuses a conversation that holds `REFUSED:<reason>` anywhere; `undefined` when it does not. */
export function refusalOf(conversation: unknown): (typeof REFUSALS)[RefusalReason] | undefined {
  const text = JSON.stringify(conversation) ?? '';
  const reason = REFUSAL_REASONS.find((name) => text.includes(`REFUSED:${name}`));
  return reason === undefined ? undefined : REFUSALS[reason];
}

const STOPS = ['refusal', 'max_tokens', 'model_context_window_exceeded'] as const;

/** How a model can stop that does not finish. */
export type StopScene = (typeof STOPS)[number];

/** What a scripted refusal says of itself, in Anthropic's names. */
export const REFUSAL = { type: 'refusal', category: 'cyber', explanation: 'A scripted explanation.' } as const;

/** The scene that a user's text asks for; any text without one is answered with `PONG`. */
export function sceneOf(text: string): Scene {
  const match = /SCENE:([a-z-]+)[ ]?([^\n]*)/.exec(text);
  const rest = match?.[2]?.trim() ?? '';
  switch (match?.[1]) {
    case undefined:
      return { kind: 'text', text: 'PONG' };
    case 'text':
      return { kind: 'text', text: rest === '' ? 'PONG' : rest };
    case 'tool':
      return { kind: 'tools', commands: [rest], slowAnswer: false };
    case 'slow-tool':
      return { kind: 'tools', commands: [rest], slowAnswer: true };
    case 'parallel':
      return { kind: 'tools', commands: rest.split(' && '), slowAnswer: false };
    case 'answer':
      return { kind: 'answer', answers: rest.split(' then ') };
    case 'stop': {
      const [, name = '', text = ''] = /^(\S*) ?(.*)$/.exec(rest) ?? [];
      const reason = STOPS.find((stop) => stop === name);
      if (reason === undefined) throw new Error(`unknown stop: ${name}`);
      return { kind: 'stop', reason, text };
    }
    case 'steps':
      return { kind: 'steps', commands: rest.split(' && ') };
    case 'use': {
      const [, tool = '', json = '{}'] = /^(\S+) (.*)$/.exec(rest) ?? [];
      const input: Readonly<Record<string, unknown>> = JSON.parse(json);
      return { kind: 'use', tool, input };
    }
    case 'slow': {
      const [words = '20', interval = '100'] = rest.split(' ');
      return { kind: 'slow', words: Number(words), intervalMilliseconds: Number(interval) };
    }
    case 'fail': {
      const [status = '500', errorType = 'api_error'] = rest.split(' ');
      return { kind: 'fail', status: Number(status), errorType };
    }
    case 'hang':
      return { kind: 'hang' };
    default:
      throw new Error(`unknown scene: ${match?.[1]}`);
  }
}

/** The scene of the newest of a conversation's user texts that asks for one. A text may hold the earlier conversation, with its own scenes. */
export function newestSceneOf(texts: readonly string[]): Scene {
  const text = texts.findLast((one) => one.includes('SCENE:')) ?? '';
  return sceneOf(text.slice(Math.max(0, text.lastIndexOf('SCENE:'))));
}

/**
 * What tools gave back since the scene, in a text that tells the conversation to an agent that has lost it (`src/domain/seed/render-seed.ts`). A call without
 * an output counts: a model that reads of it does not repeat it.
 */
export function toldOutputs(text: string): readonly string[] {
  const own = text.slice(Math.max(0, text.lastIndexOf('SCENE:')));
  const calls = own.matchAll(/<tool_call .*?<\/tool_call>(?:\s*<tool_result [^>]*>\n(.*?)\n<\/tool_result>)?/gs);
  return Array.from(calls, ([, output = '']) => output);
}

/** What the model answers after so many of its answers were not taken; the last one again and again. */
export function answerAfter(answers: readonly string[], refused: number): string {
  return answers[Math.min(refused, answers.length - 1)] ?? '';
}

/** What the model says once its tools have answered. */
export function answerAfterTools(outputs: readonly string[]): string {
  return `It printed ${outputs.map((output) => JSON.stringify(output.trim())).join(' and ')}.`;
}

/** One request that a scripted model got, as tests look at it. */
export interface RecordedRequest {
  readonly model: string;
  /** The system prompt, flattened. */
  readonly system: string;
  /** The newest user text. */
  readonly userText: string;
  /** The whole body. */
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** A scripted model that listens on a loopback port. */
export interface ScriptedModel {
  /** `http://127.0.0.1:<port>`, without a trailing slash. */
  readonly url: string;
  readonly requests: readonly RecordedRequest[];
  close(): Promise<void>;
}
