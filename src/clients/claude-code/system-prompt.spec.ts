import { describe, expect, it } from 'vitest';
import { addressedSystemPrompt, toSideSystemPrompt } from './system-prompt.js';

const BILLING = 'x-anthropic-billing-header: cc_version=2.1.330.765; cc_entrypoint=sdk-cli;';

describe('the system prompt of Claude Code', () => {
  it('loses its billing block and names the machine that it describes', () => {
    expect(addressedSystemPrompt([BILLING, 'You are a Claude agent.'])).toMatch(
      /^The following .* not yours:\n\nYou are a Claude agent\.$/,
    );
  });

  it('is unchanged for a side request, without the billing block', () => {
    expect(toSideSystemPrompt([BILLING, 'You are Claude Code.', 'You are naming a session.'])).toBe(
      'You are Claude Code.\n\nYou are naming a session.',
    );
  });

  it.each([[[]], [[' ']], [[BILLING]]])('is undefined when it is empty: %j', (blocks) => {
    expect(addressedSystemPrompt(blocks)).toBeUndefined();
    expect(toSideSystemPrompt(blocks)).toBeUndefined();
  });
});
