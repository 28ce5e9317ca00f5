import { describe, expect, it } from 'vitest';
import { anySdkProfile } from '../../clients/any-sdk.js';
import { claudeCodeProfile } from '../../clients/claude-code/claude-code.js';
import { extractPrompt } from './prompt-extraction.js';

const text = (value: string) => ({ type: 'text', text: value });

describe(extractPrompt.name, () => {
  it('takes the last user message, a string or blocks', () => {
    const history = [
      { role: 'user', content: 'old' },
      { role: 'assistant', content: 'answer' },
    ];
    expect(extractPrompt([{ role: 'user', content: 'hello' }], anySdkProfile)).toEqual({
      prompt: [text('hello')],
      hasHistory: false,
      firstIndex: 0,
    });
    expect(extractPrompt([...history, { role: 'user', content: [text('new'), text('er')] }], anySdkProfile)).toEqual({
      prompt: [text('new'), text('er')],
      hasHistory: true,
      firstIndex: 2,
    });
  });

  it('includes the user messages right before it, which the API merges', () => {
    const messages = [
      { role: 'user', content: 'old' },
      { role: 'assistant', content: 'answer' },
      { role: 'user', content: 'A document.' },
      { role: 'system', content: 'aside' },
      { role: 'user' },
      { role: 'user', content: [text('Sum it up.')] },
    ];
    expect(extractPrompt(messages, anySdkProfile)).toMatchObject({
      prompt: [text('A document.'), text('Sum it up.')],
      firstIndex: 2,
    });
    // Claude Code puts an interruption, and what its user mentions, into messages of their own.
    expect(extractPrompt(messages, claudeCodeProfile)).toMatchObject({ prompt: [text('Sum it up.')], firstIndex: 5 });
  });

  it('rejects malformed blocks in the last message, and skips them in earlier ones', () => {
    const odd = { role: 'user', content: [{ type: 'text' }, { type: 'video' }, null, { type: 'image' }, text('a')] };
    expect(extractPrompt([odd, { role: 'user', content: 'b' }], anySdkProfile).prompt).toEqual([text('a'), text('b')]);
    expect(() => extractPrompt([{ role: 'user', content: 'b' }, odd], anySdkProfile)).toThrow(
      'messages.1.content.0.text: Field required',
    );
  });

  it('includes the documents and tool results of the user messages right before it', () => {
    const before = [
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'd' } },
      { type: 'tool_result', tool_use_id: 't', content: 'found' },
    ];
    const { prompt } = extractPrompt(
      [
        { role: 'user', content: before },
        { role: 'user', content: 'b' },
      ],
      anySdkProfile,
    );
    expect(prompt).toEqual([before[0], text("[result of the caller's tool call t]\nfound"), text('b')]);
  });

  it('excludes the reminders and later system messages of Claude Code', () => {
    const messages = [
      { role: 'user', content: [text('<system-reminder>\nx\n</system-reminder>'), text('Reply PING')] },
      { role: 'system', content: [{ ...text('# Environment'), cache_control: { type: 'ephemeral' } }] },
      { role: 'system', content: '<total_tokens>1</total_tokens>' },
    ];
    expect(extractPrompt(messages, claudeCodeProfile).prompt).toEqual([text('Reply PING')]);
  });

  it('puts later system messages of an SDK before it', () => {
    const said = { role: 'user', content: 'hi' };
    const added = [
      { role: 'system', content: 'It is late.' },
      { role: 'system', content: [text('Be quick.')] },
    ];
    expect(extractPrompt([said, ...added], anySdkProfile).prompt).toEqual([
      text('<system-reminder>\nIt is late.\nBe quick.\n</system-reminder>'),
      text('hi'),
    ]);
    expect(extractPrompt([said, { role: 'system', content: '' }], anySdkProfile).prompt).toEqual([text('hi')]);
  });

  it.each([
    '<system-reminder>\nPlan mode: read only.\n</system-reminder>',
    'Why does this fail? <a><system-reminder>x=1</system-reminder></a>',
    '<command-name>/model</command-name><command-args>opus</command-args>',
    '<local-command-caveat>x</local-command-caveat>',
    '[Request interrupted by user]',
    '[Image: source: /tmp/a.png]',
    '  spaces around it \n',
  ])('does not change a text of an SDK: %j', (said) => {
    expect(extractPrompt([{ role: 'user', content: said }], anySdkProfile).prompt).toEqual([text(said)]);
    const blocks = [text('Refactor auth'), text(said)];
    expect(extractPrompt([{ role: 'user', content: blocks }], anySdkProfile).prompt).toEqual(blocks);
    const earlier = [
      { role: 'user', content: said },
      { role: 'user', content: 'go' },
    ];
    expect(extractPrompt(earlier, anySdkProfile).prompt).toEqual([text(said), text('go')]);
  });

  it('uses a message of only reminders as the prompt', () => {
    const reminder = text('<system-reminder>A task ended.</system-reminder>');
    const content = [reminder, text(' \n')];
    expect(extractPrompt([{ role: 'user', content }], claudeCodeProfile).prompt).toEqual([reminder]);
  });

  it('does not change images and documents', () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA==' } };
    const page = { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } };
    const pdf = {
      type: 'document',
      source: { type: 'base64', media_type: 'application/pdf', data: 'AA==' },
      title: 'T',
    };
    expect(extractPrompt([{ role: 'user', content: [image, page, pdf] }], anySdkProfile).prompt).toEqual([
      image,
      page,
      pdf,
    ]);
  });

  it.each([
    [[], 'messages: at least one user message is required'],
    [[{ role: 'system', content: 'x' }], 'messages: at least one user message is required'],
    [
      [
        { role: 'user', content: 'x' },
        { role: 'assistant', content: 'pre' },
      ],
      /prefill/,
    ],
    [
      [
        { role: 'assistant', content: 'x' },
        { role: 'system', content: 'x' },
      ],
      /prefill/,
    ],
    [[{ role: 'tool', content: 'x' }], /messages\.0\.role/],
    [[{}], 'messages.0.role: Field required'],
    [['x'], 'messages.0: Input should be a valid dictionary'],
    [[{ role: 'user' }], 'messages.0.content: Field required'],
    [[{ role: 'user', content: 5 }], 'messages.0.content: Input should be a valid list'],
    [[{ role: 'user', content: [] }], 'messages.0: all messages must have non-empty content'],
    [[{ role: 'user', content: [{ type: 'image', source: { type: 'file' } }] }], /content\.0\.source\.file_id/],
    [[{ role: 'user', content: [{ type: 'video' }] }], /content\.0\.type/],
    [
      [{ role: 'user', content: [{ type: 'text', text: 3 }] }],
      'messages.0.content.0.text: Input should be a valid string',
    ],
  ])('refuses %j', (messages, problem) => {
    expect(() => extractPrompt(messages, anySdkProfile)).toThrow(problem);
  });

  const image = { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } };

  it.each([[''], ['   '], ['\n\t\u00a0'], [[text('')]], [[text(' \n')]], [[text(' '), text('\u2028')]]])(
    'refuses a message without a word, as the API does: %j',
    (content) => {
      const problem = 'messages: text content blocks must contain non-whitespace text';
      expect(() => extractPrompt([{ role: 'user', content }], anySdkProfile)).toThrow(problem);
      const behind = [
        { role: 'user', content: 'hi' },
        { role: 'user', content },
      ];
      expect(() => extractPrompt(behind, anySdkProfile)).toThrow(problem);
    },
  );

  it.each([
    [[text('hi'), text(' ')], [text('hi')]],
    [[image, text('\u2028')], [image]],
    [
      [text(''), image, text('hi')],
      [image, text('hi')],
    ],
  ])('drops blank texts next to others, which a model’s API would refuse: %j', (content, prompt) => {
    expect(extractPrompt([{ role: 'user', content }], anySdkProfile).prompt).toEqual(prompt);
  });

  it.each([[' '], [[text('\n')]], [[text(' '), text('')]]])('refuses the same of Claude Code: %j', (content) => {
    expect(() => extractPrompt([{ role: 'user', content }], claudeCodeProfile)).toThrow(/non-whitespace text$/);
  });
});
