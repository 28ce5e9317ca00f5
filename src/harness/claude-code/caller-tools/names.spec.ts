import { expect, it } from 'vitest';
import { isCallerTool, toModelToolName } from './names.js';

it('The model’s name of a caller’s tool is its own behind the prefix of our server, with 64 characters at most', () => {
  expect(toModelToolName('look')).toBe('mcp__caller__look');
  expect(toModelToolName('x'.repeat(64))).toHaveLength(64);
  expect(toModelToolName('a.b')).toMatch(/^mcp__caller__a_b_[0-9a-f]{8}$/);
  expect([isCallerTool('mcp__caller__look'), isCallerTool('mcp__docs__look')]).toEqual([true, false]);
});
