import type { ModelTokens } from '../../protocol.ts';

/** The tokens of a call on their way from one account to another. */
const KINDS = [
  'inputTokens',
  'outputTokens',
  'cacheReadInputTokens',
  'cacheCreationInputTokens',
  'cacheCreation1hInputTokens',
] as const;

/** All tokens of each model. */
export function sumByModel(all: readonly ModelTokens[]): readonly ModelTokens[] {
  const models = new Map<string, ModelTokens>();
  for (const tokens of all) {
    const before = models.get(tokens.model);
    models.set(tokens.model, before === undefined ? tokens : combine(before, tokens, (a, b) => a + b));
  }
  return [...models.values()];
}

/** What has come to the tokens of a call since; `undefined` if nothing has. */
export function findIncrease(before: ModelTokens | undefined, now: ModelTokens | undefined): ModelTokens | undefined {
  if (now === undefined || before === undefined) return now;
  const increase = combine(now, before, (a, b) => Math.max(0, a - b));
  return KINDS.some((kind) => increase[kind] > 0) ? increase : undefined;
}

/** The tokens that count for a limit: input, cached input and output. */
export function countAll(tokens: ModelTokens): number {
  return tokens.inputTokens + tokens.outputTokens + tokens.cacheReadInputTokens + tokens.cacheCreationInputTokens;
}

function combine(a: ModelTokens, b: ModelTokens, join: (a: number, b: number) => number): ModelTokens {
  return {
    model: a.model,
    inputTokens: join(a.inputTokens, b.inputTokens),
    outputTokens: join(a.outputTokens, b.outputTokens),
    cacheReadInputTokens: join(a.cacheReadInputTokens, b.cacheReadInputTokens),
    cacheCreationInputTokens: join(a.cacheCreationInputTokens, b.cacheCreationInputTokens),
    cacheCreation1hInputTokens: join(a.cacheCreation1hInputTokens, b.cacheCreation1hInputTokens),
  };
}
