import { describe, expect, it } from 'vitest';
import type { UserMessage } from './user-message.js';
import { addMessages, readMessageIds } from './turn-input.js';

const text = (words: string) => ({ type: 'text', text: words }) as const;
const message = (id: string, createdAt: number): UserMessage => ({
  id,
  clientMessageId: undefined,
  parts: [],
  prompt: [text(`${id}'s words`)],
  createdAt,
});
const input = { prompt: [text('own')], request: { traceId: 'T' } };
const turn = { createdAt: 10, repeats: [] };

describe('addMessages', () => {
  it('puts earlier messages before the own prompt and later ones after it, and names both', () => {
    const added = addMessages(input, [message('a', 9), message('b', 10), message('c', 11)], turn);
    expect(added.prompt).toEqual([text("a's words"), text("b's words"), text('own'), text("c's words")]);
    expect(added.request).toEqual({ traceId: 'T', messageIds: ['a', 'b', 'c'] });
  });

  it('leaves out messages that the prompt repeats, and those that say nothing', () => {
    const silent = { ...message('s', 1), prompt: [] };
    expect(addMessages(input, [message('a', 1), silent], { ...turn, repeats: ['a'] })).toBe(input);
  });

  it('keeps the messages that were added before', () => {
    const once = addMessages(input, [message('a', 1)], turn);
    expect(readMessageIds(addMessages(once, [message('b', 2)], turn).request)).toEqual(['a', 'b']);
    expect(readMessageIds({})).toEqual([]);
  });
});
