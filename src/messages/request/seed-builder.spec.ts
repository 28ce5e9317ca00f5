import { describe, expect, it } from 'vitest';
import { readPromptText } from '../../domain/prompt.js';
import { keepText } from '../../domain/text-filter.js';
import { withoutReminders } from '../../clients/claude-code/system-reminder.js';
import { renderSeed } from '../../domain/render-seed.js';
import type { TextFilter } from '../../domain/text-filter.js';
import { buildSeed } from './seed-builder.js';

const render = (messages: readonly unknown[], read: TextFilter) => renderSeed(buildSeed(messages, read));

describe(buildSeed, () => {
  it('truncates tool output between characters, because a lone surrogate breaks the conversation', () => {
    const said = `${'x'.repeat(3999)}😀 and more`;
    const told = render(
      [
        { role: 'user', content: 'go' },
        { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'Bash', input: {} }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: said }] },
        { role: 'assistant', content: 'Well.' },
        { role: 'user', content: 'go on' },
      ],
      keepText,
    );
    expect(JSON.stringify(told)).toContain('xxx … [10 more characters]');
  });

  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA==' } } as const;
  const result = (content: unknown, more: object = {}) => [
    { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'shot', input: {} }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content, ...more }] },
  ];

  it('keeps the order of images in a tool result, and marks a failed tool', () => {
    const told = render(
      result([{ type: 'text', text: 'before' }, image, { type: 'text', text: 'after' }], { is_error: true }),
      keepText,
    );
    expect(told).toEqual([
      { type: 'text', text: expect.stringMatching(/<tool_result name="shot" is_error="true">\nbefore\n/) as string },
      image,
      { type: 'text', text: expect.stringContaining('after') as string },
    ]);
  });

  it.each([
    ['a picture alone', [image]],
    [
      'a page that was fetched',
      { type: 'web_fetch_result', url: 'u', content: { type: 'document', source: image.source } },
    ],
    ['what no agent can be given beside it', [{ type: 'video' }, image, { type: 'image', source: { type: 'file' } }]],
  ])('shows of a tool result %s', (_, content) => {
    const blocks = render(result(content), keepText).filter(({ type }) => type !== 'text');
    expect(blocks).toMatchObject([{ source: image.source }]);
  });

  it('omits the reminders of Claude Code, and nothing of other callers', () => {
    const said = 'a <system-reminder>x</system-reminder> b';
    const messages = [{ role: 'user', content: said }, ...result(said)];
    expect(readPromptText(render(messages, keepText)).split(said)).toHaveLength(3);
    expect(readPromptText(render(messages, withoutReminders))).not.toContain('reminder');
  });
});
