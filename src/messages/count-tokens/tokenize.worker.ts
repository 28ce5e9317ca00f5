// Runs in a worker thread. Under test, Node runs this file itself and strips its types, so its imports must end in `.ts`.
import { countTokens } from 'gpt-tokenizer/encoding/cl100k_base';
import { serve } from '../../workers/serve.ts';

// The tokenizer takes quadratic time in the length of a run: 10,000 Chinese characters in a row take seconds.
const LONG_RUN = /(\p{L}{64}|[^\s\p{L}\p{N}]{64}|\s{64})/u;

// Texts such as `<|endoftext|>` in requests are ordinary text.
const PLAIN = { disallowedSpecial: new Set<string>() };

/** Counts the tokens of a text in linear time: splits long runs without a break. */
export function countTextTokens(text: string): number {
  let tokens = 0;
  for (const part of text.split(LONG_RUN)) if (part !== '') tokens += countTokens(part, PLAIN);
  return tokens;
}

serve<readonly string[], number>((slices) => slices.reduce((sum, slice) => sum + countTextTokens(slice), 0));
