import { describe, expect, it } from 'vitest';
import { findAddedVariables } from './added-variables.js';

describe('The variables that a running process lacks', () => {
  it('are those that are new or different', () => {
    const env = { HOME: '/home', MODEL: 'new', KEY: 'k' };
    expect(findAddedVariables({ HOME: '/home', MODEL: 'old' }, { env })).toEqual({ MODEL: 'new', KEY: 'k' });
    expect(findAddedVariables(env, { env })).toEqual({});
  });

  it('cannot be given to it when they are longer than the kernel takes', () => {
    expect(findAddedVariables({}, { env: { PROMPT: 'é'.repeat(32 * 1024) } })).toBeUndefined();
    expect(findAddedVariables({}, { env: { PROMPT: 'e'.repeat(32 * 1024) } })).toBeDefined();
  });
});
