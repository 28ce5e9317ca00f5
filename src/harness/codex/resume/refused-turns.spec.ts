import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../domain/harness-event.js';
import { refusedTurns } from './refused-turns.js';

const user: JsonObject = { type: 'userMessage', id: 'u' };
const command: JsonObject = { type: 'commandExecution', id: 'c', command: 'ls', status: 'completed', exitCode: 0 };
const BAD = '{"error":{"type":"invalid_request_error","message":"Could not process image","code":null}}';
const turn = (id: string, status: string, error: JsonObject | null = null, items = [user]): JsonObject => ({
  id,
  status,
  error,
  items,
});
const refused = (id: string, items = [user]): JsonObject => turn(id, 'failed', { message: BAD }, items);

describe('The refused turns of Codex', () => {
  it.each([
    ['a bad request in the words of the provider', { message: BAD, codexErrorInfo: 'other' }],
    ['a bad request', { message: 'no', codexErrorInfo: 'badRequest' }],
    ['a window that is too small', { message: 'no', codexErrorInfo: 'contextWindowExceeded' }],
    ['a request that is too large', { message: 'unexpected status 413 Payload Too Large: no, url: http://x' }],
    ['a policy', { message: 'no', codexErrorInfo: 'cyberPolicy' }],
    ['a filter', { message: 'Incomplete response returned, reason: content_filter', codexErrorInfo: 'other' }],
  ])('are those that failed for %s', (_, error) => {
    const turns = [turn('b', 'failed', error), turn('a', 'completed')];
    expect(refusedTurns(turns)).toEqual({ from: 'b', calls: [], areAll: false });
  });

  it.each([
    ['was answered', turn('b', 'completed')],
    ['was interrupted', turn('b', 'interrupted')],
    ['failed for an overload', turn('b', 'failed', { message: 'no', codexErrorInfo: 'serverOverloaded' })],
    ['failed for a missing login', turn('b', 'failed', { message: 'no', codexErrorInfo: 'unauthorized' })],
    ['was cut', turn('b', 'failed', { message: 'Incomplete response returned, reason: max_output_tokens' })],
  ])('are none when the newest one %s', (_, newest) => {
    expect(refusedTurns([newest, refused('a')])).toBeUndefined();
  });

  it('are all of them that follow one another, with what they did, the oldest first', () => {
    const turns = [refused('c'), refused('b', [user, command]), turn('a', 'completed')];
    expect(refusedTurns(turns)).toMatchObject({
      from: 'b',
      calls: [{ name: 'shell', input: { command: 'ls' } }],
      areAll: false,
    });
    expect(refusedTurns([refused('b'), refused('a')])).toMatchObject({ from: 'a', areAll: true });
  });

  it('begin with the prompt when a later attempt of the turn was refused', () => {
    const turns = [refused('c', [command]), turn('b', 'interrupted', null, [user, command]), turn('a', 'completed')];
    expect(refusedTurns(turns)?.from).toBe('b');
  });
});
