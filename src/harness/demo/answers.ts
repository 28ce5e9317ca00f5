import { randomUUID } from 'node:crypto';
import type { FailureKind, HarnessEvent, JsonObject, TokenUsage } from '../../domain/harness-event.js';
import type { CallerToolResult } from '../../domain/caller-tool.js';
import { readPromptText } from '../../domain/prompt.js';
import type { FurtherMessage } from '../harness.js';
import type { ScriptedCall } from './call-script.js';
import { renderSeed } from '../../domain/seed/render-seed.js';
import type { SeedMessage } from '../../domain/seed/seed-message.js';
import { sampleFromSchema } from './sample.js';

type Events = readonly HarnessEvent[];

/** The model name that the demo agent reports. */
const MODEL = 'demo';

/** The first events of a turn. */
export function openingEvents(sessionId: string, prompt: string): Events {
  return [
    { type: 'session-started', sessionId },
    ...(prompt.trim().startsWith('/fail')
      ? []
      : [{ type: 'model-call-start', model: MODEL, usage: estimateUsage(prompt) } as const]),
  ];
}

/** The last events of a turn. */
export function closingEvents(prompt: string, interrupted: boolean): Events {
  return [
    { type: 'model-call-end', model: MODEL, usage: { ...estimateUsage(prompt), outputTokens: 1 } },
    { type: 'turn-end', reason: interrupted ? 'interrupted' : 'end_turn' },
  ];
}

/** The end of a turn whose agent waits for results of the caller's tools. */
export function waitingEvents(prompt: string, calls: readonly ScriptedCall[]): Events {
  return [
    ...calls.map(({ name, input }): HarnessEvent => ({
      type: 'caller-tool-call',
      id: `toolu_${randomUUID().replaceAll('-', '')}`,
      name,
      input,
    })),
    { type: 'model-call-end', model: MODEL, usage: { ...estimateUsage(prompt), outputTokens: 1 } },
    { type: 'turn-end', reason: 'tool_use' },
  ];
}

/** What the agent says of the results of the caller's tools. */
export function resultEvents(results: readonly CallerToolResult[]): Events {
  return results.flatMap(({ callId, content, isError }) => {
    const parts = content.map((block) => (block.type === 'text' ? block.text : `[${block.type}]`)).join(' ');
    return textEvents(`result-${callId}`, isError ? `The tool failed: ${parts}\n` : `The tool returned: ${parts}\n`);
  });
}

/** A complete text block. */
export function textEvents(id: string, text: string): Events {
  return [
    { type: 'text-delta', id, text },
    { type: 'block-end', id },
  ];
}

/** The reply to plain text, after a thinking block if the prompt asks for one. */
export function replyEvents(prompt: string, think: boolean, turn: number): Events {
  const thought: Events = think
    ? [
        { type: 'thinking-delta', id: 'thought', text: 'The user wants to see me think. ' },
        { type: 'thinking-delta', id: 'thought', text: 'There: I thought.' },
        { type: 'block-end', id: 'thought' },
      ]
    : [];
  // A cut between two surrogates would leave half a character.
  const quoted = prompt.length > 200 ? `${prompt.slice(0, 200).replace(/[\uD800-\uDBFF]$/, '')}…` : prompt;
  return [
    ...thought,
    { type: 'text-delta', id: 'answer', text: `This is turn ${turn} of this thread. ` },
    { type: 'text-delta', id: 'answer', text: `You said: ${quoted}\n\n` },
    {
      type: 'text-delta',
      id: 'answer',
      text: 'I am the demo agent. Try `!ls -la`, `/stream 20 100`, `/sleep 3` or `/fail overloaded`.',
    },
    { type: 'block-end', id: 'answer' },
  ];
}

/** The reply to a message that arrives while the agent works. */
export function furtherMessage({ id, prompt }: FurtherMessage): Events {
  return [
    { type: 'user-message', id },
    ...textEvents(`further-${id}`, `Meanwhile you said: ${readPromptText(prompt)}\n\n`),
  ];
}

/** The replies of a resumed turn to the messages that its earlier attempts have not replied to. */
export function resumedMessages(messages: readonly FurtherMessage[] = [], priorEvents: Events = []): Events {
  const heard = new Set(priorEvents.flatMap((event) => (event.type === 'user-message' ? [event.id] : [])));
  return messages.filter(({ id }) => !heard.has(id)).flatMap(furtherMessage);
}

/** The answer to a request with an output schema. */
export function jsonEvents(schema: JsonObject, prompt: string): Events {
  return textEvents('json', JSON.stringify(sampleFromSchema(schema, prompt.trim())));
}

/** Deltas of a long text: the words from this one up to the other. */
export function wordEvents(from: number, to: number): Events {
  const events: HarnessEvent[] = [];
  for (let index = from; index < to; index += 1)
    events.push({ type: 'text-delta', id: 'stream', text: `word${index} ` });
  return events;
}

/** The start of a command, as a call of an inner tool. */
export function commandCall(id: string, command: string): Events {
  return [{ type: 'tool-call', id, name: 'shell', server: 'agent', input: { command } }];
}

/** The result of a command. `code` is `null` if a signal ended it. */
export function commandResult(id: string, output: string, code: number | null): Events {
  return [
    { type: 'tool-result', id, content: [{ type: 'text', text: output }], isError: code !== 0 },
    ...textEvents(
      'outcome',
      code === 0 ? 'The command worked.' : `The command failed with exit status ${code ?? 'none'}.`,
    ),
  ];
}

/**
 * The reply of a resumed turn: its command may have taken effect, so it does not run again. Its call gets its result before the text,
 * which has to be last: a caller such as `claude -p` shows only the text that ends a message.
 */
export function skippedCommand(priorEvents: Events = []): Events {
  const ended = new Set(priorEvents.flatMap((event) => (event.type === 'tool-result' ? [event.id] : [])));
  const open = priorEvents.filter((event) => event.type === 'tool-call').filter(({ id }) => !ended.has(id));
  return [
    ...open.map(({ id }): HarnessEvent => ({
      type: 'tool-result',
      id,
      content: [{ type: 'text', text: 'The server was stopped while this command ran.' }],
      isError: true,
    })),
    ...textEvents('outcome', 'The server was stopped while the command ran. It was not run again.'),
  ];
}

/** The reply to `/seed`: the earlier conversation that the turn brought, as a transcript. */
export function seedEvents(seed: readonly SeedMessage[]): Events {
  const transcript = readPromptText(renderSeed(seed));
  return textEvents('seed', transcript === '' ? 'This turn has no earlier conversation.' : transcript);
}

/** The failure that `/fail` requests. */
export function failureEvent(kind: FailureKind): HarnessEvent {
  return { type: 'turn-failed', kind, message: `The demo agent failed as asked (${kind}).` };
}

/** The failure of a command that exceeds the system's limit for an argument. */
export function commandTooLong(): HarnessEvent {
  return { type: 'turn-failed', kind: 'bad_request', message: 'The command is too long for a shell.' };
}

/** Estimates four characters per token; there is no model with a tokenizer of its own. */
function estimateUsage(prompt: string): TokenUsage {
  return {
    inputTokens: Math.ceil(prompt.length / 4),
    outputTokens: 0,
    cacheReadInputTokens: 0,
    cacheCreationInputTokens: 0,
    thinkingTokens: 0,
  };
}
