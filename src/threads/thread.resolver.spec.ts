import { describe, expect, it } from 'vitest';
import { ThreadResolver } from './thread.resolver.js';

const NOTHING = { threadKey: undefined, sessionId: undefined, userId: undefined, isSideRequest: false };
const resolver = new ThreadResolver();

describe('the thread that is meant', () => {
  it('is the named one', () => {
    expect(resolver.resolve({ ...NOTHING, threadKey: 'a:b' })).toEqual({ key: 'a:b', isFresh: false });
    expect(resolver.resolve({ ...NOTHING, sessionId: 's' })).toEqual({ key: 'api:claude:s', isFresh: false });
    const userId = '{"device_id":"d","session_id":"s"}';
    expect(resolver.resolve({ ...NOTHING, userId })).toEqual({ key: 'api:claude:s', isFresh: false });
  });

  const SESSION = '6d7f7b0a-7d5c-4c0e-9a40-7f2f7f1d2b11';

  it.each([
    `user_0f3c_account_9a40aaaa-7d5c-4c0e-9a40-7f2f7f1d2b11_session_${SESSION}`,
    `user_${'d3'.repeat(32)}_account__session_${SESSION}`,
    `{"device_id":"d3","account_uuid":"","session_id":"${SESSION}"}`,
  ])('is that of the session of Claude Code, in the form of any version: %s', (userId) => {
    expect(resolver.resolve({ ...NOTHING, userId }).key).toBe(`api:claude:${SESSION}`);
  });

  it.each([
    `user_0f3c_account__session_`,
    `user_0f3c_account__session_not-a-uuid`,
    `user_0f3c_account__session_${SESSION}\n`,
    `user_0f3c_session_${SESSION}`,
    `_session_${SESSION}`,
    `a user of mine, user_1_account_2_session_${SESSION}`,
    '{"session_id":5}',
    '{',
    '',
    5,
    null,
  ])('is a fresh one for a user id of another form: %j', (userId) => {
    expect(resolver.resolve({ ...NOTHING, userId }).isFresh).toBe(true);
  });

  it('is a fresh one when none is named', () => {
    const [one, other] = [resolver.resolve(NOTHING), resolver.resolve(NOTHING)];
    expect(one).toEqual({ key: expect.stringMatching(/^api:[0-9a-f-]{36}$/) as string, isFresh: true });
    expect(other.key).not.toBe(one.key);
  });

  it('of a side request is its own, whatever is named, even badly', () => {
    const side = resolver.resolve({ threadKey: 'bad', sessionId: '', userId: 5, isSideRequest: true });
    expect(side).toEqual({ key: expect.stringMatching(/^side:/) as string, isFresh: true });
  });

  it('has its name in UTF-8, which Node reads as Latin-1', () => {
    const header = Buffer.from('ż:🌍').toString('latin1');
    expect(resolver.resolve({ ...NOTHING, threadKey: header }).key).toBe('ż:🌍');
  });

  it.each([
    [{ threadKey: '' }, 'thread_key is required'],
    [{ threadKey: 'x' }, "thread_key must be namespaced as '<source>:<id>'"],
    [{ threadKey: 'a:b', sessionId: '' }, undefined],
    [{ sessionId: ' ' }, 'x-claude-code-session-id must not be empty'],
    [{ sessionId: 'x'.repeat(512) }, 'thread_key must be at most 512 bytes'],
  ])('named by %j: %s', (clues, problem) => {
    const resolve = () => resolver.resolve({ ...NOTHING, ...clues });
    if (problem === undefined) expect(resolve().isFresh).toBe(false);
    else expect(resolve).toThrow(problem);
  });
});
