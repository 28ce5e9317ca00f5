import { readContent, readRole, readTexts } from '../../anthropic/content.js';
import type { PromptContext } from '../client-profile.js';
import { planModeNote } from './plan-mode.js';
import { isMention, isReminder } from './system-reminder.js';

/**
 * Claude Code sends interruptions and `@` mentions as separate messages, so only a mention right before the newest message is part of
 * the prompt. Its other additions describe the caller's machine, except for plan mode.
 */
export function readPromptContext(messages: readonly unknown[], index: number): PromptContext {
  const reminders = readTexts(readContent(messages[index])).filter((text) => isReminder(text) && !isMention(text));
  const later = messages.slice(index + 1).flatMap((message) => readTexts(readContent(message)));
  return {
    firstIndex: index,
    before: [findMentions(messages[index - 1])],
    note: planModeNote([...reminders, ...later]),
  };
}

/** Returns the content that the user mentioned with `@`: Claude Code sends it as a separate message before the user's. [2.1.330] */
function findMentions(message: unknown): readonly unknown[] {
  if (readRole(message) !== 'user') return [];
  const texts = readTexts(readContent(message));
  return texts.every(isMention) ? texts.map((text) => ({ type: 'text', text })) : [];
}
