// Over 250 lines: each way in which a turn can have been left goes through the same few helpers.
import { describe, expect, it } from 'vitest';
import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asObject } from '../../../domain/json.js';
import type { SchemaWrapping } from '../decode/structured-output.js';
import { planFromTranscript } from './transcript-plan.js';
import { TOOL_LOST_RESULT, type TurnPlan } from './turn-plan.js';

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

const planOf = (
  entries: readonly JsonObject[],
  id: string,
  priorEvents: readonly HarnessEvent[] = [],
  shape?: SchemaWrapping,
): TurnPlan => planFromTranscript(entries, { id, attempt: 2, prompt: [], priorEvents }, shape);

describe('the plan for a turn that an earlier process has begun', () => {
  it('gives the prompt again when the transcript does not hold it', () => {
    expect(planOf([prompt('other'), says(text, 'end_turn')], 'turn')).toEqual({ kind: 'prompt' });
  });

  it('continues by itself when the process died before the model answered', () => {
    expect(planOf([prompt('turn')], 'turn')).toEqual({ kind: 'continue', entries: [], events: [] });
  });

  it('continues without Claude Code’s request to continue, of an attempt that said nothing after it', () => {
    const request = entry(
      'user',
      { role: 'user', content: [{ type: 'text', text: 'Continue from where you left off.' }] },
      { isMeta: true },
    );
    const cut = { kind: 'continue', cutFrom: request['uuid'], entries: [] };
    expect(planOf([prompt('turn'), request, entry('attachment', {})], 'turn')).toMatchObject(cut);
    expect(planOf([prompt('turn'), request, call('t1'), result('t1')], 'turn')).not.toHaveProperty('cutFrom');
    expect(planOf([{ ...request, isMeta: false, uuid: 'turn' }], 'turn')).not.toHaveProperty('cutFrom');
  });

  it('continues by itself when every tool has its result', () => {
    expect(planOf([prompt('turn'), call('t1'), result('t1')], 'turn')).toMatchObject({
      kind: 'continue',
      entries: [],
    });
  });

  it('answers the tools that died, and only those, behind the last entry', () => {
    const entries = [prompt('turn'), call('t1'), call('t2'), call('t3'), result('t1')];
    const died = (tool_use_id: string) => ({
      type: 'tool_result',
      tool_use_id,
      content: TOOL_LOST_RESULT,
      is_error: true,
    });
    const plan = planOf(entries, 'turn');
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
        { type: 'tool-call', id: 't1' },
        { type: 'tool-call', id: 't2' },
        { type: 'tool-call', id: 't3' },
        { type: 'tool-result', id: 't1', isError: false },
        { type: 'tool-result', id: 't2', isError: true },
        { type: 'tool-result', id: 't3', isError: true },
      ],
    });
  });

  it('replays the turn’s part of the transcript under the ids that it was emitted with', () => {
    const early = says({ type: 'text', text: 'Let me look.' }, 'tool_use', { apiBlockIndex: 0 });
    const plan = planOf([prompt('before'), says(text, 'end_turn'), prompt('turn'), early, call('t1')], 'turn');
    expect(plan).toMatchObject({
      events: [
        { type: 'text-delta', id: 'msg_1:0', text: 'Let me look.' },
        { type: 'block-end', id: 'msg_1:0' },
        { type: 'tool-call', id: 't1' },
        { type: 'tool-result', id: 't1', isError: true },
      ],
    });
  });

  it('leaves unanswered calls of earlier turns and of sub-agents alone', () => {
    const side = { ...call('t9'), isSidechain: true };
    expect(planOf([prompt('before'), call('t8'), prompt('turn'), side], 'turn')).toMatchObject({
      entries: [],
    });
  });

  it('replays all of it and the end when the turn’s end was not logged', () => {
    const last = says(text, 'end_turn', { apiBlockIndex: 1 });
    expect(planOf([prompt('turn'), call('t1'), result('t1'), last], 'turn')).toEqual({
      kind: 'ended',
      entries: [],
      events: [
        { type: 'tool-call', id: 't1', name: 'Bash', server: 'agent', input: {} },
        { type: 'tool-result', id: 't1', content: [{ type: 'text', text: 'ok' }], isError: false },
        { type: 'text-delta', id: 'msg_1:1', text: 'done' },
        { type: 'block-end', id: 'msg_1:1' },
        { type: 'turn-end', reason: 'end_turn' },
      ],
    });
  });

  describe('that has to end with an answer of a schema', () => {
    const answer = says({ type: 'tool_use', id: 'so', name: 'StructuredOutput', input: { n: 1 } }, 'tool_use');
    const taken = result('so');

    it('ends with the answer that was not logged, and does not emit the tool', () => {
      expect(planOf([prompt('turn'), answer, taken], 'turn', [], 'direct')).toEqual({
        kind: 'ended',
        entries: [],
        events: [
          { type: 'text-delta', id: 'structured-output', text: '{"n":1}' },
          { type: 'block-end', id: 'structured-output' },
          { type: 'turn-end', reason: 'end_turn' },
        ],
      });
    });

    it('asks for an answer again that was lost, without a word to the caller', () => {
      const plan = planOf([prompt('turn'), answer], 'turn', [], 'direct');
      expect(plan).toMatchObject({
        kind: 'continue',
        entries: [
          { message: { content: [{ tool_use_id: 'so', content: expect.stringContaining('Call this tool again') }] } },
        ],
        events: [],
      });
    });

    it('continues after an answer that was not accepted', () => {
      const refused = entry('user', {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: 'so', content: 'Output does not match', is_error: true }],
      });
      expect(planOf([prompt('turn'), answer, refused], 'turn', [], 'direct')).toMatchObject({
        kind: 'continue',
      });
    });

    it('fails when it had ended with other words, as Claude Code would wait for a prompt now', () => {
      expect(planOf([prompt('turn'), says(text, 'end_turn')], 'turn', [], 'direct')).toMatchObject({
        kind: 'ended',
        events: [{ type: 'text-delta' }, { type: 'block-end' }, { type: 'turn-failed', kind: 'internal' }],
      });
    });
  });

  describe('whose last model call did not give an answer', () => {
    const error = (more: JsonObject, message: JsonObject = {}) =>
      entry(
        'assistant',
        {
          model: '<synthetic>',
          stop_reason: 'stop_sequence',
          content: [{ type: 'text', text: 'API Error: 400 no' }],
          ...message,
        },
        { isApiErrorMessage: true, ...more },
      );

    it('reports the refusal without Claude Code’s own text', () => {
      const stop_details = { type: 'refusal', category: 'cyber', explanation: 'No.' };
      expect(planOf([prompt('turn'), error({}, { stop_reason: 'refusal', stop_details })], 'turn')).toEqual({
        kind: 'ended',
        entries: [],
        events: [{ type: 'turn-end', reason: 'refusal', refusal: { category: 'cyber', explanation: 'No.' } }],
      });
    });

    it('reports that it was truncated', () => {
      const cut = error({ apiError: 'max_output_tokens', apiErrorParams: { cut: 'context_window' } });
      expect(planOf([prompt('turn'), cut], 'turn')).toMatchObject({
        events: [{ type: 'turn-end', reason: 'model_context_window_exceeded' }],
      });
    });

    it('fails as it had failed', () => {
      expect(planOf([prompt('turn'), error({ apiErrorStatus: 400 })], 'turn')).toMatchObject({
        kind: 'ended',
        events: [{ type: 'turn-failed', kind: 'bad_request', message: 'no' }],
      });
    });
  });

  it('continues when the last message was cut off', () => {
    expect(planOf([prompt('turn'), says(text, null)], 'turn').kind).toBe('continue');
    expect(planOf([prompt('turn'), says(text, 'max_tokens')], 'turn').kind).toBe('continue');
  });

  describe('with logged events that are not in the transcript', () => {
    const usage = {
      inputTokens: 5,
      outputTokens: 1,
      cacheReadInputTokens: 0,
      cacheCreationInputTokens: 0,
      thinkingTokens: 0,
    };
    const begins: HarnessEvent = { type: 'model-call-start', model: 'm', usage };
    const ends: HarnessEvent = { type: 'model-call-end', model: 'm', usage };
    const spoke = (id: string, words: string): readonly HarnessEvent[] => [
      { type: 'text-delta', id, text: words },
      { type: 'block-end', id },
    ];
    const called = (id: string): HarnessEvent => ({
      type: 'tool-call',
      id,
      name: 'Bash',
      server: 'agent',
      input: { command: 'ls' },
    });
    const answered: HarnessEvent = {
      type: 'tool-result',
      id: 't1',
      content: [{ type: 'text', text: 'ok' }],
      isError: false,
    };
    const contents = (plan: TurnPlan) =>
      plan.kind === 'prompt' ? [] : plan.entries.map((one) => asObject(one['message'])['content']);
    const use = { type: 'tool_use', id: 't1', name: 'Bash', input: { command: 'ls' } };

    it('writes a logged call, with the text before it and a lost result', () => {
      const plan = planOf([prompt('turn')], 'turn', [begins, ...spoke('msg_2:0', 'Let me look.'), called('t1')]);
      expect(plan.kind).toBe('continue');
      expect(contents(plan)).toEqual([
        [{ type: 'text', text: 'Let me look.' }],
        [use],
        [{ type: 'tool_result', tool_use_id: 't1', content: TOOL_LOST_RESULT, is_error: true }],
      ]);
    });

    it('writes a logged result, for a call that the transcript has and for one that it lacks', () => {
      const result1 = {
        type: 'tool_result',
        tool_use_id: 't1',
        content: [{ type: 'text', text: 'ok' }],
        is_error: false,
      };
      const said = [begins, called('t1'), ends, answered];
      expect(contents(planOf([prompt('turn')], 'turn', said))).toEqual([[use], [result1]]);
      expect(contents(planOf([prompt('turn'), call('t1')], 'turn', said))).toEqual([[result1]]);
    });

    it('writes nothing that the transcript has, and no text of an unfinished message', () => {
      const there = says({ type: 'text', text: 'Hi.' }, null, { apiBlockIndex: 0 });
      const said = [begins, ...spoke('msg_1:0', 'Hi.'), begins, ...spoke('msg_2:0', 'And')];
      expect(contents(planOf([prompt('turn'), there], 'turn', said))).toEqual([]);
    });

    it('drops what was said of an unfinished message, as the model says it again', () => {
      const there = says({ type: 'text', text: 'Hi.' }, null, { apiBlockIndex: 0 });
      const cutOff = [begins, ...spoke('msg_2:0', 'And'), ...spoke('msg_2:1', 'then')];
      const dropped = ['msg_2:0', 'msg_2:1'].map((id) => ({ type: 'block-dropped', id }));
      const droppedBy = (plan: TurnPlan) =>
        plan.kind === 'prompt' ? [] : plan.events.filter(({ type }) => type === 'block-dropped');
      const said = [begins, ...spoke('msg_1:0', 'Hi.'), ends, ...cutOff];
      expect(droppedBy(planOf([prompt('turn'), there], 'turn', said))).toEqual(dropped);
      // A message that goes on with a call, or has ended, is not asked for again.
      expect(droppedBy(planOf([prompt('turn'), there], 'turn', [...said, called('t1')]))).toEqual([]);
      expect(droppedBy(planOf([prompt('turn'), call('t1')], 'turn', [...cutOff, called('t1')]))).toEqual([]);
      expect(droppedBy(planOf([prompt('turn'), there], 'turn', [...said, ends]))).toEqual([]);
    });

    it('writes the rest of a partial message, in its own place', () => {
      const there = says({ type: 'text', text: 'Let me look.' }, 'tool_use', { apiBlockIndex: 0 });
      const said = [begins, ...spoke('msg_1:0', 'Let me look.'), ...spoke('msg_1:1', 'Now.'), called('t1')];
      const plan = planOf([prompt('turn'), there], 'turn', said);
      expect(plan).toMatchObject({
        entries: [{ message: { id: 'msg_1' }, apiBlockIndex: 1 }, { message: { id: 'msg_1' }, apiBlockIndex: 2 }, {}],
      });
      // A second death finds it all there.
      const entries = plan.kind === 'prompt' ? [] : plan.entries;
      expect(contents(planOf([prompt('turn'), there, ...entries], 'turn', said))).toEqual([]);
    });

    it('ends the turn when the last message was over, and keeps it for the next turn', () => {
      const plan = planOf([prompt('turn')], 'turn', [begins, ...spoke('msg_2:0', 'Done.'), ends]);
      expect(plan).toMatchObject({ kind: 'ended', events: [{ type: 'turn-end', reason: 'end_turn' }] });
      expect(contents(plan)).toEqual([[{ type: 'text', text: 'Done.' }]]);
    });
  });
});
