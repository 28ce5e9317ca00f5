import { countTokens } from 'gpt-tokenizer/encoding/cl100k_base';
import { describe, expect, it } from 'vitest';
import { countTextTokens } from './tokenize.worker.js';

describe('the tokens of a text', () => {
  it.each(['', 'hello', 'function add(a, b) {\n  return a + b; // 12345\n}\n', 'Grüße, 你好! 👩‍👩‍👧 \u2028'])(
    'are those of the tokenizer: %j',
    (text) => {
      expect(countTextTokens(text)).toBe(countTokens(text));
    },
  );

  it('treat the name of a special token as ordinary text', () => {
    expect(countTextTokens('<|endoftext|>')).toBeGreaterThan(1);
  });

  it.each([
    ['letters', 'a', 8],
    ['Chinese', '中', 1],
    ['signs', '=', 64],
    ['spaces', ' ', 64],
    ['halves of characters', '\ud800', 8],
  ])('of 100,000 %s without a break are counted quickly', (_, run, charactersPerToken) => {
    // Counted whole, each of these takes the tokenizer a minute or more.
    const tokens = countTextTokens(run.repeat(100_000));
    expect(tokens).toBeGreaterThanOrEqual(100_000 / 2 / charactersPerToken);
    expect(tokens).toBeLessThan(300_000);
  });
});
