import { describe, expect, it } from 'vitest';
import { parseDemoCommand } from './script.js';

describe(parseDemoCommand.name, () => {
  it.each([
    ['!echo hi', { kind: 'shell', command: 'echo hi' }],
    ['/stream 3 10', { kind: 'stream', count: 3, intervalMs: 10, batchSize: 4096 }],
    ['/stream 3', { kind: 'stream', count: 3, intervalMs: 0, batchSize: 4096 }],
    ['/stream 3 0 1', { kind: 'stream', count: 3, intervalMs: 0, batchSize: 1 }],
    ['/stream 3 0 0', { kind: 'stream', count: 3, intervalMs: 0, batchSize: 4096 }],
    ['/stream 3 0 99999', { kind: 'stream', count: 3, intervalMs: 0, batchSize: 4096 }],
    ['/sleep 0.5', { kind: 'sleep', durationMs: 500 }],
    ['/fail overloaded', { kind: 'fail', failure: 'overloaded' }],
    ['/fail', { kind: 'fail', failure: 'internal' }],
    ['hello', { kind: 'reply', text: 'hello', think: false }],
    ['think about it', { kind: 'reply', text: 'think about it', think: true }],
    ['!', { kind: 'reply', text: '!', think: false }],
    ['/stream many', { kind: 'reply', text: '/stream many', think: false }],
  ])('understands %j', (prompt, expected) => {
    expect(parseDemoCommand(prompt)).toEqual(expected);
  });

  it('runs no command without tools', () => {
    expect(parseDemoCommand('!echo hi', 'none')).toEqual({ kind: 'reply', text: '!echo hi', think: false });
  });
});
