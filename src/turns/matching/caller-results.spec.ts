import { describe, expect, it } from 'vitest';
import type { CallerToolResult } from '../../domain/caller-tool.js';
import type { Prompt } from '../../domain/prompt.js';
import { type AnsweringRequest, completeResults, refuseResults, selectInput } from './caller-results.js';

const text = (value: string): Prompt => [{ type: 'text', text: value }];
const result = (callId: string): CallerToolResult => ({ callId, content: text(`of ${callId}`), isError: false });
const call = (id: string) => ({ id, name: 'weather', input: {} });
const request = (ids: readonly string[], beside: Prompt = []): AnsweringRequest => ({
  prompt: text('as text'),
  toolResults: ids.length === 0 ? undefined : { results: ids.map(result), promptBeside: beside },
});

describe('the results of a request', () => {
  it.each<[string, readonly string[], Prompt, readonly string[], readonly string[], string | undefined]>([
    ['no results, nothing waits', [], [], [], [], undefined],
    ['no results for waiting calls', [], [], ['a'], [], undefined],
    ['all results', ['b', 'a'], [], ['a', 'b'], [], undefined],
    ['all results and a message', ['a'], text('and'), ['a'], [], undefined],
    ['too few', ['a'], [], ['a', 'b'], [], 'missing-results b'],
    ['too many', ['a', 'c'], [], ['a'], [], 'unexpected-results c'],
    ['others', ['c'], [], ['a'], [], 'unexpected-results c'],
    ['one twice', ['a', 'a'], [], ['a'], [], 'repeated-results a'],
    ['answered before', ['a'], [], [], ['a'], 'unexpected-results a'],
    ['answered before, and a new message', ['a'], text('go on'), [], ['a'], undefined],
    ['of calls from elsewhere', ['x'], [], [], [], undefined],
  ])('%s', (_, given, beside, waiting, closed, refusal) => {
    const facts = { waitingCalls: waiting.map(call), closedCallIds: closed };
    const refused = refuseResults(request(given, beside), facts);
    expect(
      refused !== undefined && 'callIds' in refused ? `${refused.reason} ${refused.callIds.join(' ')}` : undefined,
    ).toBe(refusal);
  });

  it('answer waiting calls, and are text for an agent that does not know the calls', () => {
    const given = request(['a'], text('and'));
    expect(selectInput(given, { waitingCalls: [call('a')], closedCallIds: [] })).toEqual({
      prompt: text('and'),
      results: [result('a')],
    });
    expect(selectInput(given, { waitingCalls: [], closedCallIds: [] })).toEqual({
      prompt: text('as text'),
      results: [],
    });
    expect(selectInput(given, { waitingCalls: [], closedCallIds: ['a'] })).toEqual({
      prompt: text('and'),
      results: [],
    });
  });

  it('are errors for the calls that the caller did not run', () => {
    expect(completeResults([call('a'), call('b')], [result('b')])).toMatchObject([
      { callId: 'a', isError: true },
      { callId: 'b', isError: false },
    ]);
  });
});
