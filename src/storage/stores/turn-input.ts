import type { JsonObject } from '../../domain/harness-event.js';
import { asStrings } from '../../domain/json.js';
import type { Prompt } from '../../domain/prompt.js';
import type { UserMessage } from './user-message.js';

/** What a turn gives to its agent, and the stored `request` that names the messages in it. */
export interface PromptInput {
  readonly prompt: Prompt;
  readonly request: JsonObject;
}

/**
 * Adds messages of the user that no turn has heard to the input of a turn that has not started, in order: those from before the turn
 * was opened before its own prompt, later ones after it.
 *
 * @param messages in order.
 * @param turn `createdAt` in milliseconds since the epoch; `repeats` are the ids of messages whose words its own prompt has.
 */
export function addMessages(
  input: PromptInput,
  messages: readonly UserMessage[],
  turn: { readonly createdAt: number; readonly repeats: readonly string[] },
): PromptInput {
  const added = messages.filter(({ id, prompt }) => prompt.length > 0 && !turn.repeats.includes(id));
  if (added.length === 0) return input;
  const earlier = added.filter(({ createdAt }) => createdAt <= turn.createdAt);
  const later = added.filter(({ createdAt }) => createdAt > turn.createdAt);
  return {
    prompt: [...earlier.flatMap(({ prompt }) => prompt), ...input.prompt, ...later.flatMap(({ prompt }) => prompt)],
    request: { ...input.request, messageIds: [...readMessageIds(input.request), ...added.map(({ id }) => id)] },
  };
}

/** The ids of the appended messages that the prompt of a turn has besides its own input, from its stored `request`. */
export function readMessageIds(request: JsonObject): readonly string[] {
  return asStrings(request['messageIds']);
}
