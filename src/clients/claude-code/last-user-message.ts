import { readRole } from '../../anthropic/content.js';

/** The place of the last user message before `end`, or -1 when an assistant message stands after it, or there is none. */
export function findLastUserMessage(messages: readonly unknown[], end: number): number {
  for (let index = end - 1; index >= 0; index -= 1) {
    const role = readRole(messages[index]);
    if (role === 'user') return index;
    if (role === 'assistant') return -1;
  }
  return -1;
}
