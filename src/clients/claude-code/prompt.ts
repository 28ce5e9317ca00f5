import { readContent, readRole, readTexts } from '../../anthropic/content.js';
import type { PromptContext } from '../client-profile.js';
import { planModeNote } from './plan-mode.js';
import { isMention, isReminder } from './system-reminder.js';

/**
 * Claude Code puts an interruption, and what its user mentions, into messages of their own, so of the messages before the newest one
 * only a mention is part of the prompt. The rest of what it writes around the prompt describes its own machine, but for the mode
 * that its user is in.
 */
export function promptContext(messages: readonly unknown[], index: number): PromptContext {
  const reminders = readTexts(readContent(messages[index])).filter((text) => isReminder(text) && !isMention(text));
  const later = messages.slice(index + 1).flatMap((message) => readTexts(readContent(message)));
  return {
    firstIndex: index,
    before: [findMentions(messages[index - 1])],
    note: planModeNote([...reminders, ...later]),
  };
}

/** The first thing that the user mentioned with `@` is in a message of its own, before the user's. [2.1.330] */
function findMentions(message: unknown): readonly unknown[] {
  if (readRole(message) !== 'user') return [];
  const texts = readTexts(readContent(message));
  return texts.every(isMention) ? texts.map((text) => ({ type: 'text', text })) : [];
}
