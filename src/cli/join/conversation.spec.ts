import { describe, expect, it } from 'vitest';
import { isEnoughHistory, type ReadTurn, toConversation } from './conversation.js';

const text = (value: string) => ({ type: 'text', text: value });
const turn = (sequence: number, prompt: string, answer: string, more: Partial<ReadTurn> = {}): ReadTurn => ({
  sequence,
  execution_id: `exe_${sequence}`,
  status: 'completed',
  created_at: '2026-06-23T18:00:00.000Z',
  ended_at: '2026-06-23T18:00:09.000Z',
  prompt: prompt === '' ? [] : [text(prompt)],
  answer: answer === '' ? [] : [text(answer)],
  error: null,
  ...more,
});
const outline = (turns: readonly ReadTurn[]) =>
  toConversation(turns).map(({ sequence, prompt, answer }) => [
    sequence,
    prompt.map((block) => (block.type === 'text' ? block.text : block.type)).join(),
    ...answer,
  ]);

describe('the conversation that a client shows', () => {
  it('has the oldest turn first', () => {
    expect(outline([turn(2, 'c', 'd'), turn(1, 'a', 'b')])).toEqual([
      [1, 'a', 'b'],
      [2, 'c', 'd'],
    ]);
  });

  it('says how a turn ended that did not end well, and that one has no words', () => {
    const failed = turn(1, 'a', '', { status: 'failed', error: 'overloaded' });
    expect(outline([turn(3, 'c', ''), turn(2, 'b', 'half', { status: 'cancelled' }), failed])).toEqual([
      [1, 'a', '(Failed: overloaded)'],
      [2, 'b', 'half', '(Interrupted.)'],
      [3, 'c', '(no text)'],
    ]);
  });

  it('joins a turn that only goes on with results to the one before', () => {
    const asks = turn(1, 'weather?', 'weather(Rome)');
    expect(outline([turn(2, '', 'Sunny.'), asks])).toEqual([[2, 'weather?', 'weather(Rome)', 'Sunny.']]);
    expect(outline([turn(2, '', 'Sunny.')])).toEqual([]);
  });

  it('has only the newest turns of a long one, and always the last', () => {
    const long = 'x'.repeat(90_000);
    const turns = [turn(4, 'd', long), turn(3, 'c', long), turn(2, 'b', long), turn(1, 'a', '')];
    expect(toConversation(turns).map(({ sequence }) => sequence)).toEqual([3, 4]);
    expect([isEnoughHistory(turns.slice(0, 2)), isEnoughHistory(turns.slice(0, 3))]).toEqual([false, true]);
    expect(toConversation([turn(1, 'x'.repeat(900_000), 'y')])).toHaveLength(1);
  });

  it('has a turn that is only a file of the user, by its name', () => {
    const file = { type: 'file', id: 'file_1', use: 'workspace', name: 'notes.pdf' };
    expect(outline([turn(2, '', 'Read.', { prompt: [file] }), turn(1, 'a', 'b')])).toEqual([
      [1, 'a', 'b'],
      [2, '[notes.pdf]', 'Read.'],
    ]);
  });

  it('leaves out blocks that it does not know', () => {
    const prompt = [text('a'), { type: 'tool_result', tool_use_id: 't', content: [] }, { type: 'image', source: {} }];
    expect(outline([turn(1, '', 'b', { prompt })])).toEqual([[1, 'a,image', 'b']]);
  });
});
