import { describe, expect, it } from 'vitest';
import { findNamedThread, toAskedWork } from './asked-work.js';

describe(toAskedWork.name, () => {
  it('is the agent of a new thread, or that of the thread that goes on', () => {
    expect(toAskedWork({ harness: { harness: 'codex', model: 'gpt-5.5' } })).toEqual({
      harness: 'codex',
      model: 'gpt-5.5',
    });
    expect(toAskedWork({ thread: { harness: 'claude-code', harnessModel: 'claude-opus-5-5' } })).toEqual({
      harness: 'claude-code',
      model: 'claude-opus-5-5',
    });
  });

  it('has the name of the harness for the model of an agent that runs its own default', () => {
    expect(toAskedWork({ harness: { harness: 'codex', model: undefined } }).model).toBe('codex');
    expect(toAskedWork({ thread: { harness: 'demo', harnessModel: undefined } }).model).toBe('demo');
  });
});

describe(findNamedThread.name, () => {
  const from = (metadata: { readonly fresh?: true }) => ({ thread: { metadata } });
  it.each([
    ['a key', false, undefined, 'a:b'],
    ['a message of a thread with a name', false, from({}), 'a:b'],
    ['a message of a thread without a name, or its conversation', false, from({ fresh: true }), undefined],
    ['nothing', true, undefined, undefined],
  ])('by %s', (_, isFreshThread, continuesFrom, key) => {
    expect(findNamedThread({ isFreshThread, continuesFrom, threadKey: 'a:b' })).toBe(key);
  });
});
