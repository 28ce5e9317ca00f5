import { describe, expect, it } from 'vitest';
import { classifyAttempt } from './attempt.js';

const SDK = { countsRetries: true, retryCount: '0', idempotencyKey: undefined, isNameless: true } as const;

describe('the attempt of a request', () => {
  it.each([
    ['0', 'first'],
    ['1', 'retry'],
    ['12', 'retry'],
    [undefined, 'unknown'],
    ['', 'unknown'],
    ['-1', 'unknown'],
    ['1.5', 'unknown'],
    ['0, 0', 'unknown'],
    ['none', 'unknown'],
  ])('follows its retry count: %j', (retryCount, attempt) => {
    expect(classifyAttempt({ ...SDK, retryCount })).toBe(attempt);
  });

  it.each([
    ['of a client whose own retries all say 0, as those of Claude Code', { countsRetries: false }],
    ['with an idempotency key, which decides by itself', { idempotencyKey: 'k' }],
    ['on a thread with a name', { isNameless: false }],
  ] as const)('is nothing %s', (_, more) => {
    expect(classifyAttempt({ ...SDK, ...more })).toBe('unknown');
    expect(classifyAttempt({ ...SDK, ...more, retryCount: '1' })).toBe('unknown');
  });
});
