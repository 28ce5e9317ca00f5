import { describe, expect, it } from 'vitest';
import { ModelNameReader } from './model-name.js';

function read(body: string | Uint8Array, size = 1) {
  const reader = new ModelNameReader();
  const bytes = Buffer.from(body);
  for (let start = 0; start < bytes.length; start += size) reader.push(bytes.subarray(start, start + size));
  return reader.isOdd ? 'odd' : reader.model;
}

describe('the model of a body', () => {
  it.each([1, 3, 1000])('is read from pieces of %i bytes, wherever it stands', (size) => {
    const messages = [{ role: 'user', content: 'say "model":"b" \\ {"model":"c"} ünï😀' }];
    expect(read(JSON.stringify({ model: 'claude-a', messages }), size)).toBe('claude-a');
    expect(read(JSON.stringify({ messages, nested: { model: 'b' }, model: 'claude-a' }, null, 2), size)).toBe(
      'claude-a',
    );
    expect(read(JSON.stringify({ system: 'x'.repeat(5000), n: [1.5e-3, true, null], model: 'a\n"é' }), size)).toBe(
      'a\n"é',
    );
  });

  it('is read through escapes of its key', () => {
    expect(read(String.raw`{"mod\u0065l":"claude-a"}`)).toBe('claude-a');
  });

  it.each([
    ['two models', '{"model":"a","model":"b"}'],
    ['two models, one with an escape', String.raw`{"model":"a","\u006dodel":"b"}`],
    ['two models in different cases, which are one for Go', '{"model":"a","Model":"b"}'],
    ['a model in another case alone', '{"MODEL":"a"}'],
    ['a list of models', '{"model":["a"]}'],
    ['no model', '{"messages":[{"model":"a"}]}'],
    ['an array', '[{"model":"a"}]'],
    ['a second object', '{"model":"a"}{"model":"b"}'],
    ['a comment', '{/*"*/"model":"a"/*"*/}'],
    ['UTF-16', Buffer.from('{"model":"a"}', 'utf16le')],
    ['a byte-order mark', '\uFEFF{"model":"a"}'],
    ['a line end in a string', '{"x":"\n","model":"a"}'],
    ['a name that is too long', `{"model":"${'a'.repeat(2000)}"}`],
    ['a key that is too long', `{"${'a'.repeat(2000)}":1,"model":"a"}`],
    ['an escape that is none', String.raw`{"mo\del":"a"}`],
    ['no JSON', 'model=a'],
  ])('is not taken from a body with %s', (_, body) => {
    expect(read(body)).toBe('odd');
  });

  it('is unknown, and the body not odd, until it comes', () => {
    expect(read('{"messages":[')).toBeUndefined();
    expect(read('')).toBeUndefined();
  });
});
