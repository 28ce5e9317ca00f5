import { describe, expect, it } from 'vitest';
import { findThreadKeyProblem } from './thread-key.js';

describe(findThreadKeyProblem.name, () => {
  it.each(['api:demo-1', 'slack:C123:1780000000.000000', 'api:claude:S', 'web:ü'])('accepts %s', (key) => {
    expect(findThreadKeyProblem(key)).toBeUndefined();
  });

  it.each([
    ['', 'thread_key is required'],
    [`api:${'x'.repeat(509)}`, 'thread_key must be at most 512 bytes'],
    [`api:${'ü'.repeat(255)}`, 'thread_key must be at most 512 bytes'],
    ['{"a":1}', 'thread_key must not be raw JSON'],
    ['[a:b', 'thread_key must not be raw JSON'],
    ['api:a\u0000b', 'thread_key must not contain ASCII control characters'],
    ['api:a\u007f', 'thread_key must not contain ASCII control characters'],
    ['api', "thread_key must be namespaced as '<source>:<id>'"],
    [':x', "thread_key must be namespaced as '<source>:<id>'"],
    ['api:', "thread_key must be namespaced as '<source>:<id>'"],
  ])('refuses %j with the text of centaur', (key, problem) => {
    expect(findThreadKeyProblem(key)).toBe(problem);
  });
});
