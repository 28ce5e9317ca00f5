import { describe, expect, it } from 'vitest';
import { arrangeSeed, EARLIER_OMITTED, type SeedPart } from './arrange-seed.js';
import type { SeedBlock } from './seed-message.js';

const text = (value: string) => ({ type: 'text', text: value }) as const;
const call = (id: string): SeedBlock => ({ type: 'tool-call', id, name: 'Read', server: 'agent', input: {} });
const result = (id: string, output = `output of ${id}`): SeedBlock => ({
  type: 'tool-result',
  id,
  content: [text(output)],
  isError: false,
});
const user = (...blocks: readonly SeedBlock[]): readonly SeedPart[] => blocks.map((block) => ({ role: 'user', block }));
const assistant = (...blocks: readonly SeedBlock[]): readonly SeedPart[] =>
  blocks.map((block) => ({ role: 'assistant', block }));
const missing = (id: string): SeedBlock => ({
  type: 'tool-result',
  id,
  content: [text('[The result of this call is not known.]')],
  isError: true,
});

describe(arrangeSeed, () => {
  it('joins consecutive messages of one role', () => {
    expect(arrangeSeed([...user(text('a')), ...user(text('b')), ...assistant(text('c'))])).toEqual([
      { role: 'user', content: [text('a'), text('b')] },
      { role: 'assistant', content: [text('c')] },
    ]);
  });

  it('puts the results that an assistant’s message has of its own calls into messages of the user', () => {
    const parts = assistant(text('I look.'), call('1'), result('1'), call('2'), result('2'), text('Done.'));
    expect(arrangeSeed([...user(text('go')), ...parts])).toEqual([
      { role: 'user', content: [text('go')] },
      { role: 'assistant', content: [text('I look.'), call('1')] },
      { role: 'user', content: [result('1')] },
      { role: 'assistant', content: [call('2')] },
      { role: 'user', content: [result('2')] },
      { role: 'assistant', content: [text('Done.')] },
    ]);
  });

  it('keeps calls that were made together together, and gives their results in the order of the calls', () => {
    const parts = [
      ...user(text('go')),
      ...assistant(call('1'), call('2'), result('2')),
      ...user(result('1'), text('so')),
    ];
    expect(arrangeSeed(parts).slice(1)).toEqual([
      { role: 'assistant', content: [call('1'), call('2')] },
      { role: 'user', content: [result('1'), result('2'), text('so')] },
    ]);
  });

  it('gives a call without a result an error, also at the end', () => {
    expect(
      arrangeSeed([...user(text('go')), ...assistant(call('1')), ...user(text('stop')), ...assistant(call('2'))]),
    ).toEqual([
      { role: 'user', content: [text('go')] },
      { role: 'assistant', content: [call('1')] },
      { role: 'user', content: [missing('1'), text('stop')] },
      { role: 'assistant', content: [call('2')] },
      { role: 'user', content: [missing('2')] },
    ]);
  });

  it('makes a text of a result without a call, and of one before its call', () => {
    expect(arrangeSeed([...user(result('x')), ...assistant(call('x'))])).toEqual([
      { role: 'user', content: [text('[result of a tool call]'), text('output of x')] },
      { role: 'assistant', content: [call('x')] },
      { role: 'user', content: [missing('x')] },
    ]);
  });

  it('drops a second call with the same id, and its result', () => {
    const twice = [
      ...assistant(call('1')),
      ...user(result('1')),
      ...assistant(call('1')),
      ...user(result('1', 'again')),
    ];
    expect(arrangeSeed([...user(text('go')), ...twice])).toEqual([
      { role: 'user', content: [text('go')] },
      { role: 'assistant', content: [call('1')] },
      { role: 'user', content: [result('1')] },
    ]);
  });

  it('names an image of the assistant, whose messages may have none', () => {
    const image = { type: 'image', source: { type: 'url', url: 'https://example.org/a.png' } } as const;
    expect(arrangeSeed([...user(image), ...assistant(image)])).toEqual([
      { role: 'user', content: [image] },
      { role: 'assistant', content: [text('[image]')] },
    ]);
  });

  it('begins with a note if the first message is the assistant’s', () => {
    expect(arrangeSeed(assistant(text('Hello.')))).toEqual([
      { role: 'user', content: [text(EARLIER_OMITTED)] },
      { role: 'assistant', content: [text('Hello.')] },
    ]);
  });

  it('is empty without blocks', () => {
    expect(arrangeSeed([], 100)).toEqual([]);
  });

  const long = [
    ...user(text('a'.repeat(60))),
    ...assistant(call('1')),
    ...user(result('1', 'b'.repeat(60))),
    ...assistant(text('c'.repeat(30))),
    ...user(text('d')),
  ];

  it('that is too long keeps its newest messages after a note', () => {
    expect(arrangeSeed(long, 40)).toEqual([
      { role: 'user', content: [text(EARLIER_OMITTED)] },
      { role: 'assistant', content: [text('c'.repeat(30))] },
      { role: 'user', content: [text('d')] },
    ]);
    expect(arrangeSeed(long, 10)).toEqual([{ role: 'user', content: [text(EARLIER_OMITTED), text('d')] }]);
  });

  it('does not separate a call from its result where it is cut', () => {
    // The result would fit, but its call would not.
    expect(arrangeSeed(long, 92)).toEqual(arrangeSeed(long, 40));
    expect(arrangeSeed(long, 93)[1]).toEqual({ role: 'assistant', content: [call('1')] });
  });
});
