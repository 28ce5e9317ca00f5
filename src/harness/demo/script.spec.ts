import { describe, expect, it } from 'vitest';
import { demoAct } from './script.js';

describe(demoAct.name, () => {
  it.each([
    ['!echo hi', { kind: 'shell', command: 'echo hi' }],
    ['/stream 3 10', { kind: 'stream', count: 3, intervalMilliseconds: 10, slice: 4096 }],
    ['/stream 3', { kind: 'stream', count: 3, intervalMilliseconds: 0, slice: 4096 }],
    ['/stream 3 0 1', { kind: 'stream', count: 3, intervalMilliseconds: 0, slice: 1 }],
    ['/stream 3 0 0', { kind: 'stream', count: 3, intervalMilliseconds: 0, slice: 4096 }],
    ['/stream 3 0 99999', { kind: 'stream', count: 3, intervalMilliseconds: 0, slice: 4096 }],
    ['/sleep 0.5', { kind: 'sleep', milliseconds: 500 }],
    ['/fail overloaded', { kind: 'fail', failure: 'overloaded' }],
    ['/fail', { kind: 'fail', failure: 'internal' }],
    ['hello', { kind: 'say', text: 'hello', think: false }],
    ['think about it', { kind: 'say', text: 'think about it', think: true }],
    ['!', { kind: 'say', text: '!', think: false }],
    ['/stream many', { kind: 'say', text: '/stream many', think: false }],
  ])('understands %j', (prompt, act) => {
    expect(demoAct(prompt)).toEqual(act);
  });

  it('runs no command without tools', () => {
    expect(demoAct('!echo hi', 'none')).toEqual({ kind: 'say', text: '!echo hi', think: false });
  });
});
