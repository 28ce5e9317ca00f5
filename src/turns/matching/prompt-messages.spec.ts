import { describe, expect, it } from 'vitest';
import { computePromptMessages } from './prompt-messages.js';

const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: unknown) => ({ role: 'assistant', content });
const text = (value: string) => ({ type: 'text', text: value });

describe(computePromptMessages, () => {
  const keysOf = async (messages: readonly unknown[], read?: (text: string) => string) =>
    (await computePromptMessages(messages, read)).map(({ key }) => key);
  const keyOf = async (content: unknown) => (await keysOf([user(content)]))[0];
  const image = { type: 'image', source: { type: 'url', url: 'https://example.org/a.png' } };
  const result = (content: unknown, id = 't') => ({ type: 'tool_result', tool_use_id: id, content });

  it('has one key for the user messages between two answers, whatever those are', async () => {
    const messages = [
      user('a'),
      { role: 'system', content: 'S' },
      user('b'),
      assistant('x'),
      { role: 'system', content: 'S' },
      user('c'),
    ];
    const prompts = await computePromptMessages(messages);
    expect(prompts.map(({ start }) => start)).toEqual([0, 5]);
    expect(await keysOf([user([text('a'), text('b')]), assistant('y'), user(' c ')])).toEqual(
      prompts.map(({ key }) => key),
    );
  });

  it.each([
    ['another text', 'a', 'b'],
    ['another result', [result('x')], [result('x', 'u')]],
    ['a text beside a result', [result('x')], [result('x'), text('a')]],
    ['an image instead of a document', [image], [{ type: 'document' }]],
  ])('differs for %s', async (_, one, other) => {
    expect(await keyOf(one)).not.toBe(await keyOf(other));
  });

  it.each([
    ['the content of a result', [result('long')], [result('pruned')]],
    ['an image beside a text', [text('a'), image], 'a'],
    ['the source of an image', [image], [{ type: 'image' }]],
  ])('does not depend on %s', async (_, one, other) => {
    expect(await keyOf(one)).toBe(await keyOf(other));
  });

  it('leaves out messages with nothing that the user wrote', async () => {
    const withoutNotes = (value: string) => value.replace(/<note>.*<\/note>/, '');
    expect(await keysOf([user('<note>x</note>'), assistant('y'), user([]), assistant('z')], withoutNotes)).toEqual([]);
  });
});
