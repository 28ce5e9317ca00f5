import { describe, expect, it } from 'vitest';
import { callerSystemPrompt, sideSystemPrompt } from './system-prompt.js';

describe(callerSystemPrompt.name, () => {
  it("passes an SDK caller's system prompt on as it is", () => {
    const blocks = ['Be brief.', '<system-reminder>x</system-reminder>', 'x-anthropic-billing-header: is a header.'];
    expect(callerSystemPrompt(blocks, 'sdk', 'append')).toBe(blocks.join('\n\n'));
  });

  it("drops Claude Code's billing block and says whose machine the rest describes", () => {
    const blocks = [
      'x-anthropic-billing-header: cc_version=2.1.330.765; cc_entrypoint=sdk-cli;',
      'You are a Claude agent.',
    ];
    const prompt = callerSystemPrompt(blocks, 'claude-code', 'append');
    expect(prompt).toMatch(/^The following .* not yours:\n\nYou are a Claude agent\.$/);
  });

  it('is nothing when there is nothing to pass on or the deployment ignores it', () => {
    expect(callerSystemPrompt([], 'sdk', 'append')).toBeUndefined();
    expect(callerSystemPrompt([' '], 'sdk', 'append')).toBeUndefined();
    expect(callerSystemPrompt(['Be brief.'], 'sdk', 'ignore')).toBeUndefined();
  });
});

describe(sideSystemPrompt.name, () => {
  it('is the request’s own, as it is, but for the billing block', () => {
    const billing = 'x-anthropic-billing-header: cc_version=2.1.330.eb4; cc_entrypoint=cli;';
    expect(sideSystemPrompt([billing, 'You are Claude Code.', 'You are naming a session.'])).toBe(
      'You are Claude Code.\n\nYou are naming a session.',
    );
    expect(sideSystemPrompt([billing])).toBeUndefined();
  });
});
