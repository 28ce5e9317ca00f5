import { readContent, readRole, readTexts } from '../../anthropic/content.js';
import type { StrippedConversation } from '../client-profile.js';
import { findLastUserMessage } from './last-user-message.js';
import { withoutReminders } from './system-reminder.js';

/**
 * Prefix of the text that Claude Code sends as the user after a stream broke off. It requests the rest of the answer and is not a new
 * message. [Claude Code 2.1.330]
 */
const CUT_OFF = 'Your response above was cut off';

/** The variant that requests the complete answer again. [Claude Code 2.1.330] */
const START_AGAIN = 'Write the complete response again from the start';

/**
 * Strips Claude Code's recovery messages from the end of a conversation: after a broken stream it sends the partial answer and a user
 * message that requests the rest, up to three times.
 */
export function stripRecoveryMessages(messages: readonly unknown[]): StrippedConversation {
  let end = messages.length;
  let received: string | undefined;
  while (end >= 2) {
    const index = findLastUserMessage(messages, end);
    const text = index === -1 ? '' : readText(messages[index]);
    if (index < 1 || !text.startsWith(CUT_OFF) || readRole(messages[index - 1]) !== 'assistant') break;
    if (!text.includes(START_AGAIN)) received = readText(messages[index - 1]) + (received ?? '');
    end = index - 1;
  }
  return { messages: end === messages.length ? messages : messages.slice(0, end), partialAnswer: received };
}

function readText(message: unknown): string {
  return readTexts(readContent(message)).map(withoutReminders).join('');
}
