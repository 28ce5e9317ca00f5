import { readContent, readRole, readTexts } from '../../anthropic/content.js';
import type { StrippedConversation } from '../client-profile.js';
import { findLastUserMessage } from './last-user-message.js';
import { withoutReminders } from './system-reminder.js';

/**
 * How the text begins that Claude Code writes as the user when a stream ended without its end: a request for the rest of the answer,
 * not a new message. [Claude Code 2.1.330]
 */
const CUT_OFF = 'Your response above was cut off';

/** The variant that asks for the whole answer again. [Claude Code 2.1.330] */
const START_AGAIN = 'Write the complete response again from the start';

/**
 * Takes Claude Code's own recoveries off the end of a conversation: after a cut stream it sends the partial answer and a user
 * message that asks to go on, up to three times.
 */
export function stripRecoveryMessages(messages: readonly unknown[]): StrippedConversation {
  let end = messages.length;
  let received: string | undefined;
  while (end >= 2) {
    const asked = findLastUserMessage(messages, end);
    const text = asked === -1 ? '' : readText(messages[asked]);
    if (asked < 1 || !text.startsWith(CUT_OFF) || readRole(messages[asked - 1]) !== 'assistant') break;
    if (!text.includes(START_AGAIN)) received = readText(messages[asked - 1]) + (received ?? '');
    end = asked - 1;
  }
  return { messages: end === messages.length ? messages : messages.slice(0, end), partialAnswer: received };
}

function readText(message: unknown): string {
  return readTexts(readContent(message)).map(withoutReminders).join('');
}
