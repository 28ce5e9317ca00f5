import { describe, expect, it } from 'vitest';
import { parseGitIdentity, parseMounts, parseUserIds } from './sandbox-settings.js';

describe('the further mounts', () => {
  it('are read-only at their own path unless they say otherwise', () => {
    expect(parseMounts('/a, /b:/c,/d:rw,/e:/f:rw')).toEqual({
      value: [
        { source: '/a', target: '/a', isWritable: false },
        { source: '/b', target: '/c', isWritable: false },
        { source: '/d', target: '/d', isWritable: true },
        { source: '/e', target: '/f', isWritable: true },
      ],
    });
    expect(parseMounts(undefined)).toEqual({ value: [] });
  });

  it.each(['a', '/a:b', '/a:/b:/c', '/a,,/b', ':rw', '/a:rw:rw:rw'])('are refused as %j', (text) => {
    expect(parseMounts(text)).toHaveProperty('expected');
  });
});

describe('the user ids of threads', () => {
  it('are a range', () => {
    expect(parseUserIds('20000-59999')).toEqual({ value: { first: 20_000, last: 59_999 } });
  });

  it.each(['', '20000', '20000-', '20000-20000', '3-5', '20000-4294967295', 'a-b', '-1-20000'])(
    'are refused as %j',
    (text) => {
      expect(parseUserIds(text)).toHaveProperty('expected');
    },
  );
});

describe('the identity for git', () => {
  it('is a name and an address', () => {
    expect(parseGitIdentity('An Agent <agent@example.com>')).toEqual({
      value: {
        GIT_AUTHOR_NAME: 'An Agent',
        GIT_AUTHOR_EMAIL: 'agent@example.com',
        GIT_COMMITTER_NAME: 'An Agent',
        GIT_COMMITTER_EMAIL: 'agent@example.com',
      },
    });
    expect(parseGitIdentity(undefined)).toEqual({ value: {} });
  });

  it.each(['agent', '<a@b>', 'a <>', 'a <b c>', 'a <b> c'])('is refused as %j', (text) => {
    expect(parseGitIdentity(text)).toHaveProperty('expected');
  });
});
