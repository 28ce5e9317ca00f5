import { describe, expect, it } from 'vitest';
import { keepText } from '../../domain/text-filter.js';
import { renderSeed } from '../../domain/seed/render-seed.js';
import { toSeedMessages } from './seed-messages.js';

const text = (value: string) => ({ type: 'text', text: value });
const user = (...content: readonly unknown[]) => ({ role: 'user', content });
const assistant = (...content: readonly unknown[]) => ({ role: 'assistant', content });
const call = (id: string, more: object = {}) => ({
  type: 'tool_use',
  id,
  name: 'weather',
  input: { city: 'Rome' },
  ...more,
});
const result = (id: string, content: unknown = 'sunny') => ({ type: 'tool_result', tool_use_id: id, content });
const toSeed = (...messages: readonly unknown[]) => toSeedMessages(messages, keepText);

describe('the messages of a request as a seed', () => {
  it('keep their roles, and those of one role are one message', () => {
    expect(
      toSeed(
        { role: 'user', content: 'one' },
        user(text('two')),
        { role: 'system', content: 'no' },
        assistant(text('three')),
      ),
    ).toEqual([
      { role: 'user', content: [text('one'), text('two')] },
      { role: 'assistant', content: [text('three')] },
    ]);
  });

  it('keep calls and results of every kind in pairs, and drop thinking', () => {
    const seed = toSeed(
      user(text('go')),
      assistant(
        { type: 'thinking', thinking: 'hm', signature: 's' },
        { type: 'mcp_tool_use', id: 'm', name: 'Bash', server_name: 'agent', input: { command: 'ls' } },
        { type: 'mcp_tool_result', tool_use_id: 'm', is_error: true, content: [text('no')] },
        text('then'),
        call('c'),
      ),
      user(text('and'), result('c')),
    );
    expect(seed).toEqual([
      { role: 'user', content: [text('go')] },
      {
        role: 'assistant',
        content: [{ type: 'tool-call', id: 'm', name: 'Bash', server: 'agent', input: { command: 'ls' } }],
      },
      { role: 'user', content: [{ type: 'tool-result', id: 'm', content: [text('no')], isError: true }] },
      {
        role: 'assistant',
        content: [
          text('then'),
          { type: 'tool-call', id: 'c', name: 'weather', server: 'caller', input: { city: 'Rome' } },
        ],
      },
      {
        role: 'user',
        content: [{ type: 'tool-result', id: 'c', content: [text('sunny')], isError: false }, text('and')],
      },
    ]);
  });

  it('have a result for every call, and a text for a result without a call', () => {
    const seed = toSeed(user(text('go'), result('x')), assistant(call('a'), call('b')), user(result('b')));
    expect(seed[0]).toEqual({ role: 'user', content: [text('go'), text('[result of a tool call]'), text('sunny')] });
    expect(seed[2]?.content).toMatchObject([
      { type: 'tool-result', id: 'a', isError: true },
      { type: 'tool-result', id: 'b', isError: false },
    ]);
    expect(toSeed(user(text('go')), assistant(call('a'))).at(-1)).toMatchObject({
      role: 'user',
      content: [{ id: 'a' }],
    });
  });

  it('keep images, documents and files', () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } };
    expect(toSeed(user(image, { type: 'document', source: { type: 'file', file_id: 'f' } }))).toEqual([
      { role: 'user', content: [image, { type: 'file', id: 'f', use: 'document' }] },
    ]);
  });

  it('that are too long begin with a note, and never inside a pair', () => {
    const long = 'x'.repeat(300_000);
    const seed = toSeed(
      user(text(long)),
      assistant(call('a')),
      user(result('a', long)),
      assistant(text('b')),
      user(text('c')),
    );
    expect(seed.map(({ role, content }) => [role, ...content.map(({ type }) => type)])).toEqual([
      ['user', 'text'],
      ['assistant', 'tool-call'],
      ['user', 'tool-result'],
      ['assistant', 'text'],
      ['user', 'text'],
    ]);
    expect(seed[0]?.content).toEqual([text('[Earlier messages are omitted.]')]);
  });

  it('never fail for malformed ones', () => {
    expect(toSeed(null, 5, { role: 'user' }, user(null, { type: 'text' }, text(' ')))).toEqual([]);
  });
});

describe(renderSeed.name, () => {
  it('tells of a conversation in text', () => {
    const seed = toSeed(user(text('go')), assistant(call('a')), user(result('a')));
    expect(renderSeed(seed).map((block) => (block.type === 'text' ? block.text : ''))).toEqual([
      '<user>\ngo\n</user>',
      '<tool_call name="weather">\n{"city":"Rome"}\n</tool_call>',
      '<tool_result name="weather">\nsunny\n</tool_result>',
    ]);
  });
});
