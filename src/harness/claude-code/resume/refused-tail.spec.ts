import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../domain/harness-event.js';
import { refusedTail } from './refused-tail.js';

const prompt = (uuid: string, more: JsonObject = {}): JsonObject => ({
  type: 'user',
  uuid,
  promptSource: 'sdk',
  message: { role: 'user', content: [{ type: 'text', text: uuid }] },
  ...more,
});
const answer = (text = 'fine'): JsonObject => ({
  type: 'assistant',
  uuid: `answer-${text}`,
  message: { id: 'm', role: 'assistant', content: [{ type: 'text', text }], stop_reason: 'end_turn' },
});
const failed = (status: number, type: string, text: string): JsonObject => ({
  type: 'assistant',
  uuid: `failed-${status}`,
  isApiErrorMessage: true,
  apiErrorStatus: status,
  apiErrorType: type,
  message: { role: 'assistant', model: '<synthetic>', content: [{ type: 'text', text }] },
});
const refused = failed(400, 'invalid_request_error', 'API Error: 400 Output blocked by content filtering policy');
const call: JsonObject = {
  type: 'assistant',
  uuid: 'call',
  message: { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'Bash', input: { command: 'ls' } }] },
};
const result: JsonObject = {
  type: 'user',
  uuid: 'result',
  message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'a' }] },
};
const other: JsonObject = { type: 'queue-operation', operation: 'enqueue' };

describe('The refused turns at the end of a transcript', () => {
  it.each([
    ['400', refused],
    ['400 of a prompt that is too long', failed(400, 'invalid_request_error', 'Prompt is too long')],
    ['400 of a picture', failed(400, 'invalid_request_error', 'API Error: an image … was removed.')],
    ['413', failed(413, 'request_too_large', 'Request too large (max 32MB).')],
  ])('begin with the prompt that was refused with %s', (_, end) => {
    expect(refusedTail([prompt('a'), answer(), other, prompt('b'), end, other])).toEqual({ from: 'b', calls: [] });
  });

  it.each([
    ['an answer', [prompt('a'), refused, prompt('b'), answer()]],
    ['a limit of the provider', [prompt('a'), failed(429, 'rate_limit_error', 'API Error: 429 slow down')]],
    ['an overloaded provider', [prompt('a'), failed(529, 'overloaded_error', 'API Error: 529 overloaded')]],
    ['a login that is missing', [prompt('a'), failed(401, 'authentication_error', 'Please run /login')]],
    ['an account without credit', [prompt('a'), failed(400, 'invalid_request_error', 'Credit balance is too low')]],
    ['a prompt', [prompt('a'), answer(), prompt('b')]],
    ['nothing', []],
  ])('are none in a transcript that ends with %s', (_, entries) => {
    expect(refusedTail(entries)).toBeUndefined();
  });

  it('are all consecutive ones, with a prompt whose process died before it reported', () => {
    expect(refusedTail([prompt('a'), answer(), prompt('b'), refused, prompt('c'), refused])?.from).toBe('b');
    expect(refusedTail([prompt('a'), answer(), prompt('b'), prompt('c'), refused])?.from).toBe('b');
    expect(refusedTail([prompt('a'), refused])?.from).toBe('a');
  });

  it('tell of the tools that were called in them, and begin before them', () => {
    const turn = [prompt('b'), call, result, refused];
    expect(refusedTail([prompt('a'), answer(), ...turn])).toMatchObject({
      from: 'b',
      calls: [{ name: 'Bash', input: { command: 'ls' } }],
    });
  });

  it('begin before what Claude Code wrote in the user’s place, and before its sub-agents’ messages', () => {
    const summary = prompt('summary', { isCompactSummary: true });
    const meta = prompt('meta', { isMeta: true });
    const task = prompt('task', { promptSource: 'task-notification' });
    const inner = prompt('inner', { isSidechain: true });
    expect(refusedTail([answer(), prompt('b'), summary, meta, task, inner, refused])?.from).toBe('b');
  });

  it('begin with a turn that is known to have been refused although the transcript does not show it', () => {
    expect(refusedTail([prompt('a'), answer(), prompt('b')], 'b')?.from).toBe('b');
    expect(refusedTail([prompt('a'), answer(), prompt('b')], 'another')).toBeUndefined();
  });
});
