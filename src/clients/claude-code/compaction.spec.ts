import { describe, expect, it } from 'vitest';
import { anySdkProfile } from '../any-sdk.js';
import { recorded, RECORDINGS } from './__fixtures__/recorded.js';
import { claudeCodeProfile } from './claude-code.js';

const COMPACTED = RECORDINGS.filter((name) => /^(?:main|print)-.*compact$/.test(name));

describe('a conversation that was compacted', () => {
  it.each(COMPACTED)('is recognised by its first message: %s', (name) => {
    expect(claudeCodeProfile.isCompacted(recorded(name).body.messages)).toBe(true);
    // Another client's user may write the same.
    expect(anySdkProfile.isCompacted(recorded(name).body.messages)).toBe(false);
  });

  it.each(['main-first', 'main-second', 'main-after-clear', 'main-after-branch', 'side-compact'])(
    'is not a recorded conversation without a summary: %s',
    (name) => {
      expect(claudeCodeProfile.isCompacted(recorded(name).body.messages)).toBe(false);
    },
  );

  it.each([claudeCodeProfile, anySdkProfile])('is recognised by a block of the API ($kind)', ({ isCompacted }) => {
    const blocks = [{ type: 'compaction', content: 'a summary' }];
    const messages = (role: string) => [
      { role: 'user', content: 'a' },
      { role, content: blocks },
    ];
    expect(isCompacted(messages('assistant'))).toBe(true);
    expect(isCompacted(messages('user'))).toBe(false);
  });
});
