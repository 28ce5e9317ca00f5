import { describe, expect, it } from 'vitest';
import { sanitizeJsonText } from './sanitize-json-text.js';

describe(sanitizeJsonText, () => {
  it.each([
    [String.raw`"plain \n \" \\ \u00e9"`, 'plain \n " \\ é'],
    [String.raw`"\ud83d\ude00 \uD83D\uDE00"`, '😀 😀'],
    [String.raw`"\ud83d and \ude00"`, '\ufffd and \ufffd'],
    [String.raw`"\ude00\ud83d\ud83d\ude00"`, '\ufffd\ufffd😀'],
    [String.raw`"\ud83d\u0041"`, '\ufffdA'],
    [String.raw`"\u0000"`, '\ufffd'],
    [String.raw`"\\ud83d \\\\u0000"`, String.raw`\ud83d \\u0000`],
    [String.raw`"\\\ud83d"`, '\\\ufffd'],
  ])('has complete characters in %s', (text, value) => {
    expect(JSON.parse(sanitizeJsonText(text))).toBe(value);
  });

  it('does not change other text', () => {
    expect(sanitizeJsonText('{"a": "\\u00e9😀"}')).toBe('{"a": "\\u00e9😀"}');
  });
});
