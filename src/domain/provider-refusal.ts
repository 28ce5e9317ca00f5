import type { FailureKind, HarnessEvent, JsonObject } from './harness-event.js';
import type { Prompt } from './prompt.js';

/** A tool call in a refused turn. */
export interface RefusedCall {
  readonly name: string;
  readonly input: JsonObject;
}

/** How many of the newest calls are described, and how much of each, in UTF-16 units. */
const MAX_CALLS = 30;
const MAX_CALL_TEXT = 300;

/** Whether the model provider refused the content of the conversation, so that it would refuse the next turn, too. */
export function isRefusal(kind: FailureKind): boolean {
  return kind === 'bad_request' || kind === 'context_too_long';
}

/** Whether a batch ends a refused turn. */
export function endsRefused(events: readonly HarnessEvent[]): boolean {
  const end = events.at(-1);
  return end?.type === 'turn-failed' && isRefusal(end.kind);
}

/**
 * Puts before a prompt what the agent did in refused turns: they were removed from its record, but their effects remain. Repeats
 * neither the user's message nor a tool's result, because either may have caused the refusal.
 */
export function prependRefusal(calls: readonly RefusedCall[], prompt: Prompt): Prompt {
  if (calls.length === 0) return prompt;
  const lines = calls
    .slice(-MAX_CALLS)
    // A call cut within a surrogate pair would be refused again.
    .map(
      ({ name, input }) =>
        `- ${name}: ${JSON.stringify(input)
          .slice(0, MAX_CALL_TEXT)
          .replace(/[\uD800-\uDBFF]$/, '')}`,
    );
  const text =
    'The turn before this one was refused by the provider of your model and is not part of this conversation. ' +
    `What you did in it has happened:\n${lines.join('\n')}\n\nNow the user says:`;
  return [{ type: 'text', text }, ...prompt];
}
