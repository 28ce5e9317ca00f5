import { describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { StructuredOutputBuffer } from './structured-answer.js';

const SCHEMA = {
  type: 'object',
  properties: { count: { type: 'integer' } },
  required: ['count'],
  additionalProperties: false,
};
const END = { type: 'turn-end', reason: 'end_turn' } as const;
const text = (id: string, words: string): readonly HarnessEvent[] => [
  { type: 'text-delta', id, text: words },
  { type: 'block-end', id },
];
const thought = (id: string, words: string): readonly HarnessEvent[] => [
  { type: 'thinking-delta', id, text: words },
  { type: 'block-end', id },
];
const call: HarnessEvent = { type: 'tool-call', id: 't', name: 'Bash', server: 'agent', input: {} };

describe('the answer of a turn with a schema', () => {
  it('is the last text, in one piece, when it is valid', async () => {
    const answer = new StructuredOutputBuffer(SCHEMA);
    expect(answer.push([{ type: 'text-delta', id: 'a', text: '{"count"' }])).toEqual([]);
    expect(
      answer.push([
        { type: 'text-delta', id: 'a', text: ':3}' },
        { type: 'block-end', id: 'a' },
      ]),
    ).toEqual([]);
    expect(await answer.finish(END)).toEqual([text('a', '{"count":3}'), END]);
  });

  it('has no other text: earlier texts become thinking, in their position', async () => {
    const answer = new StructuredOutputBuffer(SCHEMA);
    const emitted = answer.push([
      ...text('a', 'Let me look.'),
      call,
      ...text('b', 'Almost.'),
      ...text('c', '{"count":1}'),
    ]);
    expect(emitted).toEqual([...thought('a', 'Let me look.'), call, ...thought('b', 'Almost.')]);
    expect((await answer.finish(END))[0]).toEqual(text('c', '{"count":1}'));
  });

  it.each([
    ['is not JSON', 'three', 'not JSON'],
    ['violates the schema', '{"count":"a secret"}', '#/count'],
    ['is missing', undefined, 'not JSON'],
  ])('that %s becomes a failure that does not quote it', async (_, words, problem) => {
    const answer = new StructuredOutputBuffer(SCHEMA);
    if (words !== undefined) answer.push(text('a', words));
    const [buffered, end] = await answer.finish(END);
    expect(end).toMatchObject({
      type: 'turn-failed',
      kind: 'internal',
      message: expect.stringContaining(problem) as string,
    });
    expect(JSON.stringify(end)).not.toContain('secret');
    expect(buffered).toEqual(words === undefined ? [] : thought('a', words));
  });

  it.each(['max_tokens', 'refusal'] as const)('is emitted unchecked when the turn ends with %s', async (reason) => {
    const answer = new StructuredOutputBuffer(SCHEMA);
    answer.push(text('a', '{"cou'));
    const end = { type: 'turn-end', reason } as const;
    expect(await answer.finish(end)).toEqual([text('a', '{"cou'), end]);
  });

  it('becomes thinking when the turn was interrupted or failed', async () => {
    for (const end of [
      { type: 'turn-end', reason: 'interrupted' },
      { type: 'turn-failed', kind: 'overloaded', message: 'm' },
    ] as const) {
      const answer = new StructuredOutputBuffer(SCHEMA);
      answer.push(text('a', '{"count":1}'));
      expect(await answer.finish(end)).toEqual([thought('a', '{"count":1}'), end]);
    }
  });

  it('drops the buffered text of a dead attempt, which the resumed harness replays', async () => {
    const answer = new StructuredOutputBuffer(SCHEMA);
    answer.push([{ type: 'text-delta', id: 'a', text: '{"count":' }]);
    answer.push([{ type: 'attempt-start', attempt: 2 }]);
    answer.push(text('a', '{"count":2}'));
    expect((await answer.finish(END))[0]).toEqual(text('a', '{"count":2}'));
  });
});
