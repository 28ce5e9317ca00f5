import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../domain/harness-event.js';
import { findInputLinesProblem, parseInputLines } from './input-lines.js';

const user = (content: JsonValue): string => JSON.stringify({ type: 'user', message: { role: 'user', content } });
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const parsePrompt = (lines: readonly string[]) => parseInputLines(lines).prompt;
const content = (item: JsonValue) => parsePrompt([user([item])]);

describe('the lines of an execution', () => {
  it('are refused in centaur’s words when one of them is several', () => {
    expect(findInputLinesProblem(['a', 'b\nc'])).toBe('input_lines[1] must be one line');
    expect(findInputLinesProblem(['a\r'])).toBe('input_lines[0] must be one line');
    expect(findInputLinesProblem(['a', ''])).toBeUndefined();
  });

  it.each([
    ['a user line with blocks', user([{ type: 'text', text: 'hello' }])],
    ['a user line with a text', user('hello')],
    ['content at the top', '{"type":"user","content":[{"type":"text","text":"hello"}]}'],
    ['a text at the top', '{"type":"user","text":"hello"}'],
    ['plain text', 'hello'],
  ])('are the prompt: %s', (_, line) => {
    expect(parsePrompt([line])).toEqual([{ type: 'text', text: 'hello' }]);
  });

  it.each(['<system-reminder>x</system-reminder>', 'a <system-reminder>x</system-reminder> b'])(
    'are the prompt word for word: %s',
    (said) => {
      expect(parsePrompt([user(said)])).toEqual([{ type: 'text', text: said }]);
      expect(parsePrompt([said])).toEqual([{ type: 'text', text: said }]);
    },
  );

  it('are one prompt in their order, without other kinds of lines', () => {
    expect(parsePrompt([user('one'), '{"type":"interrupt"}', 'two'])).toEqual([
      { type: 'text', text: 'one' },
      { type: 'text', text: 'two' },
    ]);
  });

  it('say "continue" when they say nothing', () => {
    for (const nothing of [user([]), user('  '), ' ', user([{ type: 'text', text: '\n' }])]) {
      expect(parsePrompt([nothing])).toEqual([{ type: 'text', text: 'continue' }]);
    }
  });

  it('hand on images, as bytes or by their address', () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBOR' } };
    expect(
      content({
        type: 'attachment',
        name: 'a.png',
        mimeType: 'image/png',
        attachment_type: 'image',
        dataBase64: 'iVBOR',
      }),
    ).toEqual([image]);
    expect(content({ type: 'image', url: 'data:image/png;base64,iVBOR' })).toEqual([image]);
    expect(content(image)).toEqual([image]);
    expect(content({ type: 'image', url: 'https://example.com/a.png' })).toEqual([
      { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
    ]);
  });

  it('put a file together that came in chunks', () => {
    const chunk = (text: string, chunkIndex: number) =>
      JSON.stringify({ type: 'attachment.chunk', attachmentId: 'att-1', chunkIndex, dataBase64: base64(text) });
    const line = user([{ type: 'attachment', name: 'a.txt', mimeType: 'text/plain', stagedAttachmentId: 'att-1' }]);
    expect(parsePrompt([chunk('hello ', 0), chunk('world', 1), line])).toEqual([
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'hello world' }, title: 'a.txt' },
    ]);
  });

  it.each([
    [{ type: 'attachment', name: 'a.zip', mimeType: 'application/zip', dataBase64: 'AAAA' }, 'cannot be handed'],
    [{ type: 'attachment', name: 'a.png', mimeType: 'image/png', fetchError: 'gone' }, 'is not here: gone'],
    [{ type: 'attachment', name: 'a.txt', mimeType: 'text/plain', localPath: '/w/a.txt' }, '/w/a.txt'],
    [{ type: 'localImage', path: '/w/a.png' }, '[image: /w/a.png]'],
    [{ type: 'skill', name: 'x' }, '[Unsupported attachment block type: skill]'],
    [{ type: 'image', source: { type: 'file', file_id: 'f' } }, '[Unsupported attachment block type: image]'],
    [{ type: 'image', url: 'file:///etc/passwd' }, '[Unsupported attachment block type: image]'],
    [{ type: 'image', source: { type: 'url', url: 'file:///a' } }, '[Unsupported attachment block type: image]'],
    [{ type: 'document', source: { type: 'url', url: 'ftp://a/b' } }, '[Unsupported attachment block type: document]'],
    [
      { type: 'attachment', name: 'a.png', mimeType: 'image/png', url: 'file:///a.png' },
      '[Attachment a.png (image/png):',
    ],
  ])('name what cannot be handed on: %j', (item, words) => {
    const [block] = content(item);
    expect(block).toMatchObject({ type: 'text', text: expect.stringContaining(words) });
  });
});
