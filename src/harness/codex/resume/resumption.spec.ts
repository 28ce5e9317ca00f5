import { describe, expect, it } from 'vitest';
import { findHeardMessages, planResumption } from './resumption.js';

const prompted = (clientId: string | null, status: string, ...items: readonly object[]) => ({
  status,
  items: [{ type: 'userMessage', clientId }, ...items],
});
const message = (id: string) => ({ type: 'agentMessage', id, text: `text of ${id}` });
const resume = (...turns: readonly object[]) =>
  planResumption(JSON.parse(JSON.stringify(turns)), { id: 'ours', furtherIds: new Set() });

describe('planResumption', () => {
  it.each([
    ['there is no turn', []],
    ['the newest turn is another one', [prompted('earlier', 'completed')]],
    ['the newest turn has no name', [prompted(null, 'interrupted')]],
    ['ours is older than another one', [prompted('other', 'interrupted'), prompted('ours', 'interrupted')]],
  ])('starts from the prompt when %s', (_, turns) => {
    expect(resume(...turns)).toEqual({ kind: 'prompt' });
  });

  it.each(['interrupted', 'inProgress'])('continues a turn that is %s', (status) => {
    expect(resume(prompted('ours', status), prompted('earlier', 'completed'))).toEqual({
      kind: 'continue',
      events: [],
    });
  });

  it('continues a turn that was resumed before', () => {
    expect(resume({ status: 'interrupted', items: [] }, prompted('ours', 'interrupted'))).toEqual({
      kind: 'continue',
      events: [],
    });
  });

  it('emits its complete record of a running turn, oldest first, and only the call of an unfinished tool', () => {
    const shell = (id: string, status: string) => ({ type: 'commandExecution', id, status, command: 'ls' });
    const first = prompted(
      'ours',
      'interrupted',
      { type: 'reasoning', id: 'r', summary: ['hm'] },
      shell('c', 'completed'),
    );
    const second = { status: 'interrupted', items: [message('a'), shell('d', 'inProgress')] };
    expect(resume(second, first, prompted('earlier', 'completed', message('z')))).toMatchObject({
      kind: 'continue',
      events: [
        { type: 'thinking-delta', id: 'r', text: 'hm' },
        { type: 'block-end', id: 'r' },
        { type: 'tool-call', id: 'c' },
        { type: 'tool-result', id: 'c' },
        { type: 'text-delta', id: 'a' },
        { type: 'block-end', id: 'a' },
        { type: 'tool-call', id: 'd' },
      ],
    });
  });

  it('replays a completed turn', () => {
    const turn = prompted('ours', 'completed', message('a'), { type: 'commandExecution', id: 'c' }, message('b'));
    expect(resume(turn)).toMatchObject({
      kind: 'ended',
      events: [
        { type: 'text-delta', id: 'a', text: 'text of a' },
        { type: 'block-end', id: 'a' },
        { type: 'tool-call', id: 'c' },
        { type: 'tool-result', id: 'c' },
        { type: 'text-delta', id: 'b', text: 'text of b' },
        { type: 'block-end', id: 'b' },
        { type: 'turn-end', reason: 'end_turn' },
      ],
    });
  });

  it('does not ask again for an answer that is marked as the final one', () => {
    const kindOf = (phase: string) => resume(prompted('ours', 'interrupted', { ...message('a'), phase })).kind;
    expect([kindOf('final_answer'), kindOf('commentary')]).toEqual(['ended', 'continue']);
  });

  it('replays the refusal of a turn', () => {
    const turn = { ...prompted('ours', 'failed'), error: { message: 'flagged', codexErrorInfo: 'cyberPolicy' } };
    expect(resume(turn)).toMatchObject({ kind: 'ended', events: [{ type: 'turn-end', reason: 'refusal' }] });
  });

  it('replays the failure of a turn', () => {
    const turn = { ...prompted('ours', 'failed'), error: { message: 'boom', codexErrorInfo: 'serverOverloaded' } };
    expect(resume(turn)).toEqual({
      kind: 'ended',
      events: [{ type: 'turn-failed', kind: 'overloaded', message: 'boom' }],
    });
  });
});

describe('A turn with further messages', () => {
  const furtherIds = new Set(['m1', 'm2']);
  const heard = (clientId: string) => ({ type: 'userMessage', clientId });
  const turns = JSON.parse(
    JSON.stringify([
      { id: 'second', status: 'interrupted', items: [heard('m2'), message('b')] },
      { id: 'first', status: 'interrupted', items: [heard('ours'), message('a'), heard('m1')] },
    ]),
  );

  it('is continued although the newest turn of Codex began with one of them', () => {
    expect(planResumption(turns, { id: 'ours', furtherIds })).toMatchObject({
      kind: 'continue',
      codexTurnId: 'first',
      events: [
        { type: 'text-delta', id: 'a' },
        { type: 'block-end', id: 'a' },
        { type: 'user-message', id: 'm1' },
        { type: 'user-message', id: 'm2' },
        { type: 'text-delta', id: 'b' },
        { type: 'block-end', id: 'b' },
      ],
    });
  });

  it('knows those that the record has', () => {
    expect(findHeardMessages(turns, new Set(['m1', 'm3']))).toEqual(new Set(['m1']));
  });
});
