import { describe, expect, it } from 'vitest';
import { ThreadResolver } from './thread.resolver.js';

const NOTHING = { threadKey: undefined, session: undefined, isSideRequest: false };
const session = (id: string) => ({ id, namespace: 'claude', field: 'x-session-id' });
const resolver = new ThreadResolver();

describe('the resolved thread', () => {
  it('is the named one', () => {
    expect(resolver.resolve({ ...NOTHING, threadKey: 'a:b' })).toEqual({ key: 'a:b', isFresh: false });
    expect(resolver.resolve({ ...NOTHING, session: session('s') })).toEqual({ key: 'api:claude:s', isFresh: false });
    expect(resolver.resolve({ threadKey: 'a:b', session: session(''), isSideRequest: false }).key).toBe('a:b');
  });

  it('is a fresh one if none is named', () => {
    const [one, other] = [resolver.resolve(NOTHING), resolver.resolve(NOTHING)];
    expect(one).toEqual({ key: expect.stringMatching(/^api:[0-9a-f-]{36}$/) as string, isFresh: true });
    expect(other.key).not.toBe(one.key);
  });

  it('of a side request is always fresh, even if the named key is invalid', () => {
    const side = resolver.resolve({ threadKey: 'bad', session: session(''), isSideRequest: true });
    expect(side).toEqual({ key: expect.stringMatching(/^side:/) as string, isFresh: true });
  });

  it.each([
    [{ threadKey: '' }, 'thread_key is required'],
    [{ threadKey: 'x' }, "thread_key must be namespaced as '<source>:<id>'"],
    [{ threadKey: 'a:b', session: session('') }, undefined],
    [{ session: session(' ') }, 'x-session-id must not be empty'],
    [{ session: session('x'.repeat(512)) }, 'thread_key must be at most 512 bytes'],
  ])('named by %j: %s', (clues, problem) => {
    const resolve = () => resolver.resolve({ ...NOTHING, ...clues });
    if (problem === undefined) expect(resolve().isFresh).toBe(false);
    else expect(resolve).toThrow(problem);
  });
});
