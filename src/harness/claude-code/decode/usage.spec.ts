import { describe, expect, it } from 'vitest';
import { addCallUsage, isUsed, NO_USAGE, subtractUsage, parseUsage } from './usage.js';

const start = {
  input_tokens: 10,
  output_tokens: 1,
  cache_creation_input_tokens: 30,
  cache_read_input_tokens: 5,
  cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
};

describe('tokens as Claude Code reports them', () => {
  it('know which cache writes are kept for an hour, also when the end of the message does not repeat it', () => {
    const usage = parseUsage(start);
    expect(usage).toEqual({
      inputTokens: 10,
      outputTokens: 1,
      cacheReadInputTokens: 5,
      cacheCreationInputTokens: 30,
      cacheCreation1hInputTokens: 20,
      thinkingTokens: 0,
    });
    expect(parseUsage({ output_tokens: 7 }, usage)).toEqual({ ...usage, outputTokens: 7 });
  });

  it('say nothing of an hour that nothing was kept for', () => {
    expect(parseUsage({ ...start, cache_creation: null })).not.toHaveProperty('cacheCreation1hInputTokens');
    expect(isUsed(NO_USAGE)).toBe(false);
  });

  it('are added and subtracted with the hour’s part', () => {
    const usage = parseUsage(start);
    const both = addCallUsage(usage, usage);
    expect(both).toMatchObject({ cacheCreationInputTokens: 60, cacheCreation1hInputTokens: 40 });
    expect(subtractUsage(both, usage)).toEqual(usage);
    expect(subtractUsage(usage, both)).toEqual(NO_USAGE);
  });
});
