import { describe, expect, it } from 'vitest';
import { keepText } from '../../domain/text-filter.js';
import { BlockReader, skipBlock, refuseBlock } from './prompt-blocks.js';

const text = (value: string) => ({ type: 'text', text: value });
const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA==' } };
const pdf = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AA==' }, title: 'T' };
const result = (content: unknown, more: object = {}) => ({ type: 'tool_result', tool_use_id: 't', content, ...more });
const HEAD = "[result of the caller's tool call t]";
const FAILED = "[result of the caller's tool call t, which failed with an error]";

const read = (...blocks: readonly unknown[]) =>
  new BlockReader(keepText, refuseBlock).blocks(blocks, 'messages.0.content');

describe('a tool result', () => {
  it.each([
    ['a text', result('found'), [text(`${HEAD}\nfound`)]],
    ['texts', result([text('a'), text('b')]), [text(`${HEAD}\na\nb`)]],
    ['nothing', result(undefined), [text(HEAD)]],
    ['a picture alone', result([image]), [text(HEAD), image]],
    ['a picture and a text', result([image, text('the screen')]), [text(HEAD), image, text('the screen')]],
    ['a text and a PDF', result([text('a'), pdf, text('b')]), [text(`${HEAD}\na`), pdf, text('b')]],
    ['an error', result('no such file', { is_error: true }), [text(`${FAILED}\nno such file`)]],
    ['an error with a picture', result([image], { is_error: true }), [text(FAILED), image]],
    ['an error without a word', result(null, { is_error: true }), [text(FAILED)]],
    ['what is no error', result('a', { is_error: false }), [text(`${HEAD}\na`)]],
    [
      'what was searched for',
      result([{ type: 'search_result', title: 'S', source: 's', content: [text('r')] }]),
      [text(`${HEAD}\nS\nr`)],
    ],
    ['a tool that was found', result([{ type: 'tool_reference', tool_name: 'x' }]), [text(`${HEAD}\n[tool x]`)]],
    [
      'the tabs of a browser',
      result([{ type: 'browser_state', tabs: [{ tab_id: '1', title: 'A', url: 'u' }] }]),
      [text(`${HEAD}\n{"tabs":[{"tab_id":"1","title":"A","url":"u"}]}`)],
    ],
  ])('is passed to the agent completely: %s', (_, block, blocks) => {
    expect(read(block)).toEqual(blocks);
  });

  it.each([
    [result([{ type: 'video' }]), 'messages.0.content.0.content.0.type: this content type is not supported'],
    [result([text('a'), {}]), 'messages.0.content.0.content.1.type: Field required'],
    [result([{ type: 'text' }]), 'messages.0.content.0.content.0.text: Field required'],
    [
      result([{ ...image, source: { type: 'file', file_id: 7 } }]),
      'messages.0.content.0.content.0.source.file_id: Input',
    ],
    [result([result('a')]), 'messages.0.content.0.content.0.type: a tool_result cannot contain another tool_result'],
    [result(5), 'messages.0.content.0.content: Input should be a valid list'],
    [result([5]), 'messages.0.content.0.content.0: Input should be a valid dictionary'],
    [result('a', { is_error: 'yes' }), 'messages.0.content.0.is_error: Input should be a valid boolean'],
    [
      { type: 'mcp_tool_result', tool_use_id: 't', content: [image] },
      'messages.0.content.0.type: this content type is not',
    ],
    [
      { type: 'web_fetch_tool_result', tool_use_id: 't', content: {} },
      'messages.0.content.0.type: this content type is not',
    ],
  ])('is refused with the path of an unsupported block: %j', (block, problem) => {
    expect(() => read(block)).toThrow(problem);
  });
});

describe('a document of blocks', () => {
  const document = (content: unknown, more: object = {}) => ({
    type: 'document',
    source: { type: 'content', content },
    ...more,
  });

  it('is one text when it has only text', () => {
    const source = { type: 'text', media_type: 'text/plain', data: 'a\nb' };
    expect(read(document([text('a'), text('b')], { title: 'T' }))).toEqual([{ type: 'document', source, title: 'T' }]);
    expect(read(document('a\nb'))).toEqual([{ type: 'document', source }]);
  });

  it('keeps the order of its images', () => {
    const blocks = read(document([text('a'), image, text('b')], { title: 'T', context: 'c' }));
    expect(blocks).toEqual([text('[document]\nT\nc\na'), image, text('b')]);
    expect(read(document([image]))).toEqual([text('[document]'), image]);
  });

  it('is refused with the path of an unsupported block', () => {
    expect(() => read(document([{ type: 'video' }]))).toThrow(
      'messages.0.content.0.source.content.0.type: this content type is not',
    );
    expect(() => read(document(undefined))).toThrow('messages.0.content.0.source.content: Field required');
  });
});

it('a search result keeps the order of its images, and is refused with its path', () => {
  const search = (content: unknown) => ({ type: 'search_result', title: 'S', source: 's', content });
  expect(read(search([text('a'), image]))).toEqual([text('S\na'), image]);
  expect(() => read(search([{ type: 'video' }]))).toThrow(
    'messages.0.content.0.content.0.type: this content type is not',
  );
});

describe('the source of an image or a document', () => {
  it.each(['https://example.com/a.png', 'http://169.254.169.254/a', 'HTTPS://EXAMPLE.COM/'])('may be %s', (url) => {
    const block = { type: 'image', source: { type: 'url', url } };
    expect(read(block)).toEqual([block]);
  });

  it.each([
    'file:///etc/passwd',
    'FILE:///etc/passwd',
    ' file:///etc/passwd',
    'f\nile:///etc/passwd',
    'ftp://example.com/a.png',
    'data:image/png;base64,AA==',
    'javascript:alert(1)',
    'gopher://localhost/',
    '/etc/passwd',
    '//example.com/a.png',
    '',
  ])('must be a web URL, not %j', (url) => {
    const source = { type: 'url', url };
    const problem = (path: string) => `messages.0.content.0.${path}source.url: URL scheme should be 'http' or 'https'`;
    expect(() => read({ type: 'image', source })).toThrow(problem(''));
    expect(() => read({ type: 'document', source })).toThrow(problem(''));
    expect(() => read(result([{ type: 'image', source }]))).toThrow(problem('content.0.'));
    expect(new BlockReader(keepText, skipBlock).blocks([{ type: 'image', source }], '')).toEqual([]);
  });

  it.each([
    [undefined, 'source: Field required'],
    ['x', 'source: Input should be a valid dictionary'],
    [{}, 'source.type: Field required'],
    [{ type: 'base64', data: '' }, 'source.media_type: Field required'],
    [{ type: 'base64', media_type: 'image/png', data: 5 }, 'source.data: Input should be a valid string'],
    [{ type: 'url' }, 'source.url: Field required'],
  ])('is refused with its path: %j', (source, problem) => {
    expect(() => read({ type: 'image', source })).toThrow(`messages.0.content.0.${problem}`);
  });
});
