import { describe, expect, it } from 'vitest';
import { readContent, readRole, readTexts } from './content.js';

describe(readTexts.name, () => {
  it('returns one text for a string, and one for each block with a text', () => {
    expect(readTexts('a')).toEqual(['a']);
    expect(readTexts([{ type: 'text', text: 'a' }, { type: 'image' }, { text: 'b' }])).toEqual(['a', 'b']);
  });

  it.each([undefined, null, 3, {}, [null, 'a', 3, ['b'], { text: 4 }]])('returns none for %j', (content) => {
    expect(readTexts(content)).toEqual([]);
  });
});

describe('a message', () => {
  it('has a role and a content', () => {
    const message = { role: 'user', content: 'hi' };
    expect([readRole(message), readContent(message)]).toEqual(['user', 'hi']);
  });

  it.each([undefined, null, 'user', [], {}, { role: 3 }])('has no role and no content when it is %j', (message) => {
    expect([readRole(message), readContent(message)]).toEqual(['', undefined]);
  });
});
