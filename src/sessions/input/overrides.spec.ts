import { describe, expect, it } from 'vitest';
import { readModelRequest } from './overrides.js';

const read = (...lines: Parameters<typeof readModelRequest>[0]) =>
  readModelRequest(lines, 'claude-code', (model) => model.startsWith('claude-'));

describe(readModelRequest.name, () => {
  it('asks for nothing without the fields, or with empty ones', () => {
    expect(read({ type: 'user' }, { model: '', reasoning: null })).toEqual({ model: undefined, warnings: [] });
  });

  it('asks for the last model that a line names', () => {
    expect(read({ model: 'claude-a' }, { model: 'claude-b' }, {})).toEqual({ model: 'claude-b', warnings: [] });
  });

  it('warns of a model that the harness does not have', () => {
    expect(read({ model: 'gpt-6' })).toEqual({
      model: undefined,
      warnings: ['The model was not changed: claude-code has no model named gpt-6.'],
    });
  });

  it('warns of a provider and of a reasoning effort', () => {
    const { model, warnings } = read({ model: 'claude-a', provider: 'openrouter', reasoning: 'high' });
    expect(model).toBe('claude-a');
    expect(warnings).toEqual([
      expect.stringContaining('openrouter'),
      'The reasoning effort high was not used: it cannot be chosen here.',
    ]);
  });
});
