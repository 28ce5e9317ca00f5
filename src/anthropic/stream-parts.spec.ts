import { describe, expect, it } from 'vitest';
import { toMcpToolId } from './stream-parts.js';

describe('the id of an inner tool call', () => {
  it.each([
    ['toolu_01Ab', 'mcptoolu_01Ab'],
    ['call_9-x', 'mcptoolu_9-x'],
    ['mcptoolu_5', 'mcptoolu_5'],
    ['item_3', 'mcptoolu_item_3'],
    ['a/b c.d', 'mcptoolu_a_b_c_d'],
    ['x_call_1', 'mcptoolu_x_call_1'],
  ])('of %s is %s', (id, told) => {
    expect(toMcpToolId(id)).toBe(told);
  });
});
