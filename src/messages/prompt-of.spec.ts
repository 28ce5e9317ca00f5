import { describe, expect, it } from 'vitest';
import { newestMessage } from './prompt-of.js';

const text = (value: string) => ({ type: 'text', text: value });

describe(newestMessage.name, () => {
  it('takes the last user message, a string or blocks', () => {
    const history = [
      { role: 'user', content: 'old' },
      { role: 'assistant', content: 'answer' },
    ];
    expect(newestMessage([{ role: 'user', content: 'hello' }], 'sdk')).toEqual({
      prompt: [text('hello')],
      context: [],
      hasHistory: false,
      first: 0,
    });
    expect(newestMessage([...history, { role: 'user', content: [text('new'), text('er')] }], 'sdk')).toEqual({
      prompt: [text('new'), text('er')],
      context: [],
      hasHistory: true,
      first: 2,
    });
  });

  it('takes the user messages right before it as well, which the API takes for one', () => {
    const messages = [
      { role: 'user', content: 'old' },
      { role: 'assistant', content: 'answer' },
      { role: 'user', content: 'A document.' },
      { role: 'system', content: 'aside' },
      { role: 'user' },
      { role: 'user', content: [text('<system-reminder>x</system-reminder>'), text('Sum it up.')] },
    ];
    expect(newestMessage(messages, 'sdk')).toMatchObject({
      prompt: [text('A document.'), text('Sum it up.')],
      first: 2,
    });
    // Claude Code puts an interruption, and what its user mentions, into messages of their own.
    expect(newestMessage(messages, 'claude-code')).toMatchObject({ prompt: [text('Sum it up.')], first: 5 });
  });

  it('names what is malformed in the last message, and passes over it in those before', () => {
    const odd = { role: 'user', content: [{ type: 'text' }, { type: 'video' }, null, { type: 'image' }, text('a')] };
    expect(newestMessage([odd, { role: 'user', content: 'b' }], 'sdk').prompt).toEqual([text('a'), text('b')]);
    expect(() => newestMessage([{ role: 'user', content: 'b' }, odd], 'sdk')).toThrow('messages.1.content.0.text');
  });

  it('takes reminders for none of it, and a system message that follows for context', () => {
    const messages = [
      { role: 'user', content: [text('<system-reminder>\nx\n</system-reminder>'), text('Reply PING')] },
      { role: 'system', content: [{ ...text('# Environment'), cache_control: { type: 'ephemeral' } }] },
      { role: 'system', content: '<total_tokens>1</total_tokens>' },
    ];
    const { prompt, context } = newestMessage(messages, 'sdk');
    expect(prompt).toEqual([text('Reply PING')]);
    expect(context).toEqual(['# Environment', '<total_tokens>1</total_tokens>']);
  });

  it('keeps images and documents as they are', () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA==' } };
    const page = { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } };
    const pdf = {
      type: 'document',
      source: { type: 'base64', media_type: 'application/pdf', data: 'AA==' },
      title: 'T',
    };
    expect(newestMessage([{ role: 'user', content: [image, page, pdf] }], 'sdk').prompt).toEqual([image, page, pdf]);
  });

  it.each([
    [[], 'messages: must hold a user message'],
    [[{ role: 'system', content: 'x' }], 'messages: must hold a user message'],
    [
      [
        { role: 'user', content: 'x' },
        { role: 'assistant', content: 'pre' },
      ],
      /prefilled/,
    ],
    [
      [
        { role: 'assistant', content: 'x' },
        { role: 'system', content: 'x' },
      ],
      /prefilled/,
    ],
    [[{ role: 'tool', content: 'x' }], /messages\.0\.role/],
    [['x'], /messages\.0: must be an object/],
    [[{ role: 'user' }], /messages\.0\.content: must be/],
    [[{ role: 'user', content: '' }], /no content to answer/],
    [[{ role: 'user', content: [text('<system-reminder>x</system-reminder>')] }], /no content to answer/],
    [
      [{ role: 'user', content: [{ type: 'image', source: { type: 'file', file_id: 'f' } }] }],
      /content\.0\.source\.type/,
    ],
    [[{ role: 'user', content: [{ type: 'video' }] }], /content\.0\.type/],
    [[{ role: 'user', content: [{ type: 'text', text: 3 }] }], /content\.0\.text: must be a string/],
  ])('refuses %j', (messages, problem) => {
    expect(() => newestMessage(messages, 'sdk')).toThrow(problem);
  });
});
