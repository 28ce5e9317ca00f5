import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../harness-event.js';
import { analyse, TOOL_DIED } from './transcript-plan.js';

let count = 0;
const entry = (type: string, message: JsonObject, more: JsonObject = {}): JsonObject => ({
  type,
  uuid: `e${(count += 1)}`,
  sessionId: 's',
  isSidechain: false,
  message,
  ...more,
});
const prompt = (uuid: string) => entry('user', { role: 'user', content: [{ type: 'text', text: 'do it' }] }, { uuid });
const says = (block: JsonObject, stop_reason: string | null, more: JsonObject = {}) =>
  entry('assistant', { id: 'msg_1', role: 'assistant', stop_reason, content: [block] }, more);
const text = { type: 'text', text: 'done' };
const call = (id: string) => says({ type: 'tool_use', id, name: 'Bash', input: {} }, 'tool_use');
const result = (id: string) =>
  entry('user', { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: 'ok' }] });

describe('the plan for a turn that an earlier process has begun', () => {
  it('gives the prompt again when the transcript does not hold it', () => {
    expect(analyse([prompt('other'), says(text, 'end_turn')], 'turn')).toEqual({ kind: 'prompt' });
  });

  it('goes on by itself when the process died before the model had answered', () => {
    expect(analyse([prompt('turn')], 'turn')).toEqual({ kind: 'continue', entries: [], events: [] });
  });

  it('goes on by itself when every tool has answered', () => {
    expect(analyse([prompt('turn'), call('t1'), result('t1')], 'turn')).toMatchObject({
      kind: 'continue',
      entries: [],
    });
  });

  it('answers the tools that died, and only those, behind the last entry', () => {
    const entries = [prompt('turn'), call('t1'), call('t2'), call('t3'), result('t1')];
    const died = (tool_use_id: string) => ({ type: 'tool_result', tool_use_id, content: TOOL_DIED, is_error: true });
    const plan = analyse(entries, 'turn');
    expect(plan).toMatchObject({
      kind: 'continue',
      entries: [
        {
          type: 'user',
          parentUuid: entries.at(-1)?.['uuid'],
          sessionId: 's',
          message: { role: 'user', content: [died('t2'), died('t3')] },
        },
      ],
      events: [
        { type: 'tool-result', id: 't2', isError: true },
        { type: 'tool-result', id: 't3', isError: true },
      ],
    });
  });

  it('leaves unanswered calls of earlier turns and of sub-agents alone', () => {
    const side = { ...call('t9'), isSidechain: true };
    expect(analyse([prompt('before'), call('t8'), prompt('turn'), side], 'turn')).toMatchObject({ entries: [] });
  });

  it('says the last message and the end when the turn had ended unheard', () => {
    const last = says(text, 'end_turn', { apiBlockIndex: 1 });
    expect(analyse([prompt('turn'), call('t1'), result('t1'), last], 'turn')).toEqual({
      kind: 'ended',
      events: [
        { type: 'text-delta', id: 'msg_1:1', text: 'done' },
        { type: 'block-end', id: 'msg_1:1' },
        { type: 'turn-end', reason: 'end_turn' },
      ],
    });
  });

  it('goes on when the last message was cut off', () => {
    expect(analyse([prompt('turn'), says(text, null)], 'turn').kind).toBe('continue');
    expect(analyse([prompt('turn'), says(text, 'max_tokens')], 'turn').kind).toBe('continue');
  });
});
