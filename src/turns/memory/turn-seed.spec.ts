import { describe, expect, it } from 'vitest';
import type { Message } from '../../anthropic/stream-event.js';
import type { Prompt } from '../../domain/prompt.js';
import { isEnoughForSeed, type SeedTurn, toTurnSeed } from './turn-seed.js';

const text = (value: string) => ({ type: 'text', text: value, citations: null }) as const;
const turn = (prompt: string, content?: Message['content'], more: Partial<SeedTurn> = {}): SeedTurn => ({
  prompt: prompt === '' ? [] : [{ type: 'text', text: prompt }],
  message: content === undefined ? undefined : { content },
  failure: undefined,
  results: [],
  ...more,
});
const said = (value: string): Prompt => [{ type: 'text', text: value }];

describe('the seed from stored turns', () => {
  it('has prompts and answers in their roles and in order, without thinking', () => {
    const seed = toTurnSeed([
      turn('one', [{ type: 'thinking', thinking: 'hm', signature: '' }, text('two')]),
      turn('three', [text('four')]),
    ]);
    expect(seed).toEqual([
      { role: 'user', content: said('one') },
      { role: 'assistant', content: said('two') },
      { role: 'user', content: said('three') },
      { role: 'assistant', content: said('four') },
    ]);
  });

  it('has the calls of both sides with their results', () => {
    const seed = toTurnSeed([
      turn('go', [
        { type: 'mcp_tool_use', id: 'm', name: 'Bash', server_name: 'agent', input: { command: 'ls' } },
        { type: 'mcp_tool_result', tool_use_id: 'm', is_error: false, content: [text('a file')] },
        { type: 'tool_use', id: 'c', name: 'weather', input: {} },
      ]),
      turn('', [text('done')], { results: [{ callId: 'c', content: said('sunny'), isError: false }] }),
    ]);
    expect(seed.map(({ role, content }) => [role, ...content.map(({ type }) => type)])).toEqual([
      ['user', 'text'],
      ['assistant', 'tool-call'],
      ['user', 'tool-result'],
      ['assistant', 'tool-call'],
      ['user', 'tool-result'],
      ['assistant', 'text'],
    ]);
  });

  it('omits a refused prompt, and keeps one that failed for another reason', () => {
    const failed = (kind: 'bad_request' | 'context_too_long' | 'overloaded') =>
      toTurnSeed([turn('at noon', undefined, { failure: { kind, message: '' } })]);
    expect(failed('context_too_long')).toEqual([]);
    expect(failed('bad_request')).toEqual([]);
    expect(failed('overloaded')).toEqual([{ role: 'user', content: said('at noon') }]);
  });

  it('has only the newest turns of a long conversation', () => {
    const turns = [turn('oldest', [text('a'.repeat(150_000))]), turn('newer', [text('b'.repeat(120_000))])];
    expect(isEnoughForSeed(turns)).toBe(true);
    expect(isEnoughForSeed(turns.slice(1))).toBe(false);
    expect(toTurnSeed(turns)[0]).toEqual({
      role: 'user',
      content: [{ type: 'text', text: '[Earlier messages are omitted.]' }, ...said('newer')],
    });
  });
});
