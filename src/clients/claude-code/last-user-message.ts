import { readRole } from '../../anthropic/content.js';

/** Returns the index of the last user message before `end`; -1 if there is none or an assistant message follows it. */
export function findLastUserMessage(messages: readonly unknown[], end: number): number {
  for (let index = end - 1; index >= 0; index -= 1) {
    const role = readRole(messages[index]);
    if (role === 'user') return index;
    if (role === 'assistant') return -1;
  }
  return -1;
}
