import type { JsonObject, JsonValue } from '../../domain/harness-event.js';
import { asObject, asString } from '../../domain/json.js';
import type { Prompt } from '../../domain/prompt.js';
import type { UserMessage } from '../../storage/stores/user-message.js';

/** An execution that may repeat what its client has appended before. */
export interface RepeatingExecution {
  readonly idempotencyKey: string | undefined;
  /** The user lines of the input; see `parseUserLines`. */
  readonly lines: readonly JsonObject[];
  /** The prompt that the lines make. */
  readonly prompt: Prompt;
}

/**
 * Returns the ids of the appended messages whose words an execution's own lines have already, so that its agent need not hear them twice.
 * Only what is certain counts. Centaur's clients append each message and then execute with it, in these ways (read in their sources of
 * 2026-07-16):
 *
 * | client                                    | what shows that a line has the message                                              |
 * | ----------------------------------------- | ----------------------------------------------------------------------------------- |
 * | Slack, Linear, GitHub, Discord, Teams bot | `client_message_id` is the execution's `idempotency_key`                            |
 * | console                                   | `client_message_id` is the line's `client_user_message_id`                          |
 * | feedback tool                             | no `client_message_id`; the parts are the line's content                            |
 * | Slack and Teams bot, in a thread          | the text is in the list of earlier messages that the bot puts before the newest one |
 */
export function findRepeatedMessages(
  messages: readonly UserMessage[],
  execution: RepeatingExecution,
): readonly string[] {
  if (execution.lines.length === 0) return [];
  const lineIds = new Set(execution.lines.map((line) => asString(line['client_user_message_id'])));
  const contents = new Set(execution.lines.map((line) => JSON.stringify(asObject(line['message'])['content'])));
  const context = execution.prompt.flatMap((block) =>
    block.type === 'text' && /^# (Slack|Teams) Thread Context\n/.test(block.text) ? [`${block.text}\n`] : [],
  );
  const isRepeated = ({ clientMessageId, parts }: UserMessage): boolean =>
    clientMessageId === undefined
      ? contents.has(JSON.stringify(parts))
      : clientMessageId === execution.idempotencyKey || lineIds.has(clientMessageId) || isListed(parts, context);
  return messages.filter(isRepeated).map(({ id }) => id);
}

/**
 * Whether the thread context of a bot has the message. Below its author, each message is indented by three spaces, and descriptions of
 * its attachments follow. A message that has attachments is not left out: the bot may have been unable to repeat them.
 */
function isListed(parts: readonly JsonValue[], context: readonly string[]): boolean {
  const texts = parts.map((part) => asString(asObject(part)['text']));
  const words = texts.filter((text) => text !== undefined && !text.startsWith('# Requester Context\n'));
  const [text, ...others] = words.map((word) => word?.trim() ?? '');
  if (text === undefined || text === '' || others.length > 0 || texts.includes(undefined)) return false;
  const indented = text.replaceAll(/^/gm, '   ');
  return context.some((list) => list.includes(`:\n${indented}\n\n`));
}
