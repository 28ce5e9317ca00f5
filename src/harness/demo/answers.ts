import type { FailureKind, HarnessEvent, JsonObject, TokenUsage } from '../../domain/harness-event.js';
import { sampleFromSchema } from './sample.js';

type Events = readonly HarnessEvent[];

/** The name that the demo agent gives its model. */
const MODEL = 'demo';

/** What a turn begins with. */
export function opening(sessionId: string, prompt: string): Events {
  return [
    { type: 'session-started', sessionId },
    ...(prompt.trim().startsWith('/fail')
      ? []
      : [{ type: 'model-call-start', model: MODEL, usage: estimateUsage(prompt) } as const]),
  ];
}

/** What a turn ends with. */
export function closing(prompt: string, interrupted: boolean): Events {
  return [
    { type: 'model-call-end', model: MODEL, usage: { ...estimateUsage(prompt), outputTokens: 1 } },
    { type: 'turn-end', reason: interrupted ? 'interrupted' : 'end_turn' },
  ];
}

/** A whole block of text. */
export function textEvents(id: string, replyEvents: string): Events {
  return [
    { type: 'text-delta', id, text: replyEvents },
    { type: 'block-end', id },
  ];
}

/** The answer to words: a few more of them, after a thought if one was asked for. */
export function words(prompt: string, think: boolean, turn: number): Events {
  const thought: Events = think
    ? [
        { type: 'thinking-delta', id: 'thought', text: 'The user wants to see me think. ' },
        { type: 'thinking-delta', id: 'thought', text: 'There: I thought.' },
        { type: 'block-end', id: 'thought' },
      ]
    : [];
  // Not cut in the middle of a character.
  const said = prompt.length > 200 ? `${prompt.slice(0, 200).replace(/[\uD800-\uDBFF]$/, '')}…` : prompt;
  return [
    ...thought,
    { type: 'text-delta', id: 'answer', text: `This is turn ${turn} of this thread. ` },
    { type: 'text-delta', id: 'answer', text: `You said: ${said}\n\n` },
    {
      type: 'text-delta',
      id: 'answer',
      text: 'I am the demo agent. Try `!ls -la`, `/stream 20 100`, `/sleep 3` or `/fail overloaded`.',
    },
    { type: 'block-end', id: 'answer' },
  ];
}

/** The answer to a request that wants JSON of a schema. */
export function json(schema: JsonObject, prompt: string): Events {
  return textEvents('json', JSON.stringify(sampleFromSchema(schema, prompt.trim())));
}

/** One small piece of a long text. */
export function tokenEvent(index: number): Events {
  return [{ type: 'text-delta', id: 'stream', text: `word${index} ` }];
}

/** A command that starts, as an inner tool. */
export function commandCall(id: string, command: string): Events {
  return [{ type: 'tool-call', id, name: 'shell', server: 'agent', input: { command } }];
}

/** A command that ended. `code` is `null` when a signal ended it. */
export function commandResult(id: string, output: string, code: number | null): Events {
  return [
    { type: 'tool-result', id, content: [{ type: 'text', text: output }], isError: code !== 0 },
    ...textEvents(
      'outcome',
      code === 0 ? 'The command worked.' : `The command failed with exit status ${code ?? 'none'}.`,
    ),
  ];
}

/** What a resumed turn says of its command, which may have taken effect. */
export function skippedCommand(): Events {
  return textEvents('outcome', 'The server was stopped while the command ran. It was not run again.');
}

/** The failure that was asked for. */
export function failure(kind: FailureKind): HarnessEvent {
  return { type: 'turn-failed', kind, message: `The demo agent failed as asked (${kind}).` };
}

/** The failure of a command that no shell can be given. */
export function tooLong(): HarnessEvent {
  return { type: 'turn-failed', kind: 'bad_request', message: 'The command is too long for a shell.' };
}

/** Four characters are about a token; there is no model that would count better. */
function estimateUsage(prompt: string): TokenUsage {
  return {
    inputTokens: Math.ceil(prompt.length / 4),
    outputTokens: 0,
    cacheReadInputTokens: 0,
    cacheCreationInputTokens: 0,
    thinkingTokens: 0,
  };
}
