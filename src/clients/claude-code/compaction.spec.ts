import { describe, expect, it } from 'vitest';
import { anySdkProfile } from '../any-sdk.js';
import { recorded, RECORDINGS } from './__fixtures__/recorded.js';
import { claudeCodeProfile } from './claude-code.js';

const COMPACTED = RECORDINGS.filter((name) => /^(?:main|print)-.*compact$/.test(name));

describe('the summary of a compacted conversation', () => {
  it.each(COMPACTED)('is the first message: %s', (name) => {
    expect(claudeCodeProfile.findSummary(recorded(name).body.messages)).toBe(0);
    // Another client's user may write the same.
    expect(anySdkProfile.findSummary(recorded(name).body.messages)).toBeUndefined();
  });

  it.each(['main-first', 'main-second', 'main-after-clear', 'main-after-branch', 'side-compact'])(
    'is in no conversation that was not compacted: %s',
    (name) => {
      expect(claudeCodeProfile.findSummary(recorded(name).body.messages)).toBeUndefined();
    },
  );

  it('is in the newest message after "Summarize from here"', () => {
    const [summary, prompt] = ['This session is being continued from a previous conversation that …', 'go on'];
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b' },
      { role: 'user', content: [summary, prompt].map((text) => ({ type: 'text', text })) },
    ];
    expect(claudeCodeProfile.findSummary(messages)).toBe(2);
  });

  it.each([claudeCodeProfile, anySdkProfile])('is a block of the API in an answer ($kind)', ({ findSummary }) => {
    const blocks = [{ type: 'compaction', content: 'a summary' }];
    const messages = (role: string) => [
      { role: 'user', content: 'a' },
      { role, content: blocks },
    ];
    expect(findSummary(messages('assistant'))).toBe(1);
    expect(findSummary(messages('user'))).toBeUndefined();
  });
});
