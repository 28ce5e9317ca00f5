// Runs in a thread of its own. Under test Node itself runs this file, and strips its types: what it imports must end in `.ts`.
import { countTokens } from 'gpt-tokenizer/encoding/cl100k_base';
import { serve } from '../../workers/serve.ts';

// The tokenizer takes time with the square of a run's length: 10,000 Chinese characters in a row take it seconds.
const LONG_RUN = /(\p{L}{64}|[^\s\p{L}\p{N}]{64}|\s{64})/u;

// Texts such as `<|endoftext|>` are nothing special in what callers send.
const PLAIN = { disallowedSpecial: new Set<string>() };

/** The tokens of a text, in time that grows with its length alone: runs without a break are counted in parts. */
export function countTextTokens(text: string): number {
  let tokens = 0;
  for (const part of text.split(LONG_RUN)) if (part !== '') tokens += countTokens(part, PLAIN);
  return tokens;
}

serve<readonly string[], number>((slices) => slices.reduce((sum, slice) => sum + countTextTokens(slice), 0));
