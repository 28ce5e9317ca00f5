import { readContent, readTexts } from '../../anthropic/content.js';
import { findLastUserMessage } from './last-user-message.js';

/** Prefix of the text that Claude Code adds as the user when its user presses Escape. [Claude Code 2.1.330] */
const INTERRUPT_PREFIX = '[Request interrupted by user';

/** Whether a text is exactly an interruption marker, such as `[Request interrupted by user for tool use]`. */
export function isInterruptMarker(text: string): boolean {
  return text.startsWith(INTERRUPT_PREFIX) && text.indexOf(']') === text.length - 1;
}

/**
 * Whether the user interrupted the answer before the newest message. The marker is a separate text in the newest user message or in
 * the message before it.
 */
export function hasInterruptMarker(messages: readonly unknown[]): boolean {
  const last = findLastUserMessage(messages, messages.length);
  if (last === -1) return false;
  return [messages[last], messages[last - 1]]
    .flatMap((message) => readTexts(readContent(message)))
    .some((text) => text.startsWith(INTERRUPT_PREFIX));
}
