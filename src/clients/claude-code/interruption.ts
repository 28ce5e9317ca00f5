import { readContent, readTexts } from '../../anthropic/content.js';
import { findLastUserMessage } from './last-user-message.js';

/** How the text begins that Claude Code writes as the user when its user pressed Escape. [Claude Code 2.1.330] */
const INTERRUPTED = '[Request interrupted by user';

/** Whether a text is the marker of an interruption and nothing else, as `[Request interrupted by user for tool use]`. */
export function isInterruptMarker(text: string): boolean {
  return text.startsWith(INTERRUPTED) && text.indexOf(']') === text.length - 1;
}

/**
 * Whether the conversation says that the user interrupted the answer before its newest message. The marker is a text of its own, in
 * the newest user message or in the message before it.
 */
export function hasInterruptMarker(messages: readonly unknown[]): boolean {
  const last = findLastUserMessage(messages, messages.length);
  if (last === -1) return false;
  return [messages[last], messages[last - 1]]
    .flatMap((message) => readTexts(readContent(message)))
    .some((text) => text.startsWith(INTERRUPTED));
}
