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
