import { describe, expect, it } from 'vitest';
import type { CallerToolResult } from '../../../domain/caller-tool.js';
import type { HarnessEvent, JsonObject, JsonValue } from '../../../domain/harness-event.js';
import { asObject, asString } from '../../../domain/json.js';
import { toTurnMark } from '../caller-tools/results.js';
import { planFromTranscript } from './transcript-plan.js';
import { TOOL_LOST_RESULT, type PlannedTurn, type TurnPlan } from './turn-plan.js';

let count = 0;
const entry = (type: string, message: JsonObject, more: JsonObject = {}): JsonObject => ({
  type,
  uuid: `e${(count += 1)}`,
  sessionId: 's',
  isSidechain: false,
  message,
  ...more,
});
const prompt = (uuid: string, text = 'do it') =>
  entry('user', { role: 'user', content: [{ type: 'text', text }] }, { uuid });
const block = (content: JsonObject, id = 'msg_1', stop_reason = 'tool_use') =>
  entry('assistant', { id, role: 'assistant', stop_reason, content: [content] });
const asks = (id: string, message = 'msg_1') =>
  block({ type: 'tool_use', id, name: 'mcp__caller__look', input: {} }, message);
const runs = (id: string, message = 'msg_1') => block({ type: 'tool_use', id, name: 'Bash', input: {} }, message);
const says = (text: string, message = 'msg_2') => block({ type: 'text', text }, message, 'end_turn');
const result = (id: string, content: JsonValue = 'ok', more: JsonObject = {}) =>
  entry('user', { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content }] }, more);
const brought = (id: string, turn: string) => result(id, 'a heron', toTurnMark(turn));
const cutOff = (id: string) => result(id, 'The tool call was interrupted before a result was received.');
const failed = (uuid: string) =>
  entry(
    'assistant',
    { content: [{ type: 'text', text: 'API Error' }] },
    { uuid, isApiErrorMessage: true, apiErrorStatus: 500 },
  );

const tool = { name: 'look', description: '', inputSchema: {}, isStrict: false, isDeferred: false };
const callerTools = { tools: [tool], allowsParallelCalls: true };
const ofCaller = (callId: string): CallerToolResult => ({
  callId,
  content: [{ type: 'text', text: 'a heron' }],
  isError: false,
});

const turnOf = (callIds: readonly string[], more: Partial<PlannedTurn> = {}): PlannedTurn => ({
  id: 'turn',
  attempt: 1,
  prompt: [],
  toolResults: callIds.map(ofCaller),
  callerTools,
  ...more,
});

/** The new entries, one short line for each block. */
const written = (plan: TurnPlan): readonly string[] =>
  plan.kind === 'prompt'
    ? []
    : plan.entries.flatMap((each) => {
        const { content } = asObject(each['message']);
        if (!Array.isArray(content)) return [];
        return content.map((part: JsonValue) => {
          const { type, tool_use_id, text, is_error, id } = asObject(part);
          const name = asString(tool_use_id) ?? asString(id);
          if (name === undefined) return asString(text) ?? '';
          return `${asString(type) ?? ''} ${name}${is_error === true ? ' error' : ''}`;
        });
      });

const shown = (plan: TurnPlan): readonly string[] =>
  plan.kind === 'prompt' ? [] : plan.events.map((event) => ('id' in event ? `${event.type} ${event.id}` : event.type));

const parked = [prompt('before'), runs('b0'), asks('c1'), runs('b1'), asks('c2'), result('b0'), result('b1')];

describe('the plan for results of calls whose process is gone', () => {
  it('writes them in one entry, marked with the turn, behind the record', () => {
    const plan = planFromTranscript(parked, turnOf(['c1', 'c2']));
    expect(plan).toMatchObject({
      kind: 'continue',
      entries: [{ type: 'user', parentUuid: parked.at(-1)?.['uuid'], ...toTurnMark('turn') }],
    });
    expect(written(plan)).toEqual(['tool_result c1', 'tool_result c2']);
  });

  it('shows the agent’s own calls that the turn before did not show', () => {
    expect(shown(planFromTranscript(parked, turnOf(['c1', 'c2'])))).toEqual(['tool-call b1', 'tool-result b1']);
  });

  it('gives a result to the agent’s own calls that died with the process, and shows both', () => {
    const plan = planFromTranscript([prompt('before'), runs('b0'), asks('c1'), runs('b1')], turnOf(['c1']));
    expect(written(plan)).toEqual(['tool_result b0 error', 'tool_result b1 error', 'tool_result c1']);
    expect(shown(plan)).toEqual(['tool-call b0', 'tool-result b0', 'tool-call b1', 'tool-result b1']);
    expect(JSON.stringify(plan)).toContain(TOOL_LOST_RESULT);
  });

  it('writes a prompt behind them, under the turn’s id', () => {
    const plan = planFromTranscript(parked, turnOf(['c1', 'c2'], { prompt: [{ type: 'text', text: 'and now' }] }));
    expect(written(plan)).toEqual(['tool_result c1', 'tool_result c2', 'and now']);
    expect(plan).toMatchObject({
      kind: 'continue',
      entries: [{}, { type: 'user', uuid: 'turn', promptSource: 'sdk' }],
    });
  });

  it('sends a prompt if the record has none of the calls', () => {
    expect(planFromTranscript([prompt('before')], turnOf(['c1']))).toEqual({ kind: 'prompt' });
  });

  it('removes what Claude Code wrote about calls that were cut off, and keeps results of its own tools', () => {
    const cut = cutOff('c1');
    const entries = [...parked.slice(0, 6), cut, result('b1'), cutOff('c2'), says('I could not look.')];
    const plan = planFromTranscript(entries, turnOf(['c1', 'c2']));
    expect(plan).toMatchObject({ kind: 'continue', cutFrom: cut['uuid'] });
    expect(written(plan)).toEqual(['tool_result b1', 'tool_result c1', 'tool_result c2']);
  });

  it('ends the turn again with a call of the message that has no result yet', () => {
    const serial = { ...callerTools, allowsParallelCalls: false };
    const plan = planFromTranscript(
      [prompt('before'), asks('c1'), asks('c2')],
      turnOf(['c1'], { callerTools: serial }),
    );
    expect(plan.kind).toBe('ended');
    expect(written(plan)).toEqual(['tool_result c1']);
    expect(shown(plan)).toEqual(['caller-tool-call c2', 'turn-end']);
  });
});

describe('the plan for a second attempt of a turn with results', () => {
  const attempt = { attempt: 2, priorEvents: [] };

  it('writes only what the first one did not', () => {
    const plan = planFromTranscript([...parked, brought('c2', 'turn')], turnOf(['c1', 'c2'], attempt));
    expect(written(plan)).toEqual(['tool_result c1']);
  });

  it('replays what the first one did, and continues from there', () => {
    const entries = [...parked, brought('c1', 'turn'), brought('c2', 'turn'), runs('b2', 'msg_2')];
    const plan = planFromTranscript(entries, turnOf(['c1', 'c2'], attempt));
    expect(plan.kind).toBe('continue');
    expect(written(plan)).toEqual(['tool_result b2 error']);
    expect(shown(plan)).toEqual(['tool-call b1', 'tool-result b1', 'tool-call b2', 'tool-result b2']);
  });

  it('ends the turn if the first one came to its end', () => {
    const entries = [...parked, brought('c1', 'turn'), brought('c2', 'turn'), says('Done.')];
    const plan = planFromTranscript(entries, turnOf(['c1', 'c2'], attempt));
    expect(plan).toMatchObject({ kind: 'ended', entries: [] });
    expect(shown(plan).slice(-3)).toEqual(['text-delta msg_2:0', 'block-end msg_2:0', 'turn-end']);
  });

  it('ends the turn if the first one came to other calls of the caller’s tools', () => {
    const entries = [...parked, brought('c1', 'turn'), brought('c2', 'turn'), asks('c3', 'msg_2')];
    const plan = planFromTranscript(entries, turnOf(['c1', 'c2'], attempt));
    expect(plan).toMatchObject({ kind: 'ended', entries: [] });
    expect(shown(plan).slice(-2)).toEqual(['caller-tool-call c3', 'turn-end']);
  });

  it('does not say a prompt again that was heard between the tools', () => {
    const heard = { ...entry('attachment', {}), attachment: { type: 'queued_command', source_uuid: 'turn' } };
    const turn = turnOf(['c1', 'c2'], { ...attempt, prompt: [{ type: 'text', text: 'and now' }] });
    expect(written(planFromTranscript([...parked, brought('c1', 'turn'), brought('c2', 'turn'), heard], turn))).toEqual(
      [],
    );
  });
});

describe('the plan for results that an earlier turn has brought, which failed', () => {
  it('writes them anew if the agent did nothing with them', () => {
    const first = brought('c1', 'failed');
    const plan = planFromTranscript([...parked, first, brought('c2', 'failed'), failed('f')], turnOf(['c1', 'c2']));
    expect(plan).toMatchObject({ kind: 'continue', cutFrom: first['uuid'] });
    expect(written(plan)).toEqual(['tool_result c1', 'tool_result c2']);
  });

  it('keeps what the agent did with them, and removes the failure', () => {
    const did = [brought('c1', 'failed'), brought('c2', 'failed'), runs('b2', 'msg_2'), result('b2')];
    const plan = planFromTranscript([...parked, ...did, failed('f')], turnOf(['c1', 'c2']));
    expect(plan).toMatchObject({ kind: 'continue', cutFrom: 'f' });
    expect(written(plan)).toEqual([]);
  });
});

describe('the plan for a second attempt of a turn that has called the caller’s tools', () => {
  const again = (entries: readonly JsonObject[], priorEvents: readonly HarnessEvent[] = []) =>
    planFromTranscript(entries, { id: 'turn', attempt: 2, prompt: [], callerTools, priorEvents });
  const called: HarnessEvent = { type: 'caller-tool-call', id: 'c1', name: 'look', input: {} };

  it('ends it with the same calls, without a result for them', () => {
    const plan = again([prompt('turn'), runs('b0'), asks('c1'), result('b0')]);
    expect(plan).toMatchObject({ kind: 'ended', entries: [] });
    expect(shown(plan)).toEqual(['tool-call b0', 'tool-result b0', 'caller-tool-call c1', 'turn-end']);
  });

  it('removes what Claude Code wrote about them when it was stopped', () => {
    const cut = cutOff('c1');
    const plan = again([prompt('turn'), asks('c1'), runs('b1'), cut, result('b1'), says('I could not look.')]);
    expect(plan).toMatchObject({ kind: 'ended', cutFrom: cut['uuid'] });
    expect(written(plan)).toEqual(['tool_result b1']);
    expect(shown(plan)).toEqual(['tool-call b1', 'tool-result b1', 'caller-tool-call c1', 'turn-end']);
  });

  it('writes calls that were emitted and are not in the record', () => {
    const usage = {
      inputTokens: 1,
      outputTokens: 1,
      cacheReadInputTokens: 0,
      cacheCreationInputTokens: 0,
      thinkingTokens: 0,
    };
    const plan = again([prompt('turn')], [{ type: 'model-call-start', model: 'm', usage }, called]);
    expect(plan.kind).toBe('ended');
    expect(written(plan)).toEqual(['tool_use c1']);
    expect(JSON.stringify(plan)).toContain('mcp__caller__look');
    expect(shown(plan)).toEqual(['caller-tool-call c1', 'turn-end']);
  });

  it('continues behind a call that was refused before it reached the caller', () => {
    const refused = result('c1', '<tool_use_error>InputValidationError</tool_use_error>');
    expect(again([prompt('turn'), asks('c1'), refused])).toMatchObject({ kind: 'continue', entries: [], events: [] });
  });

  it('takes a tool of another server of the same name for the agent’s own without tools of the caller', () => {
    const turn = { id: 'turn', attempt: 2, prompt: [], priorEvents: [] };
    expect(shown(planFromTranscript([prompt('turn'), asks('c1'), result('c1')], turn))).toEqual([
      'tool-call c1',
      'tool-result c1',
    ]);
  });
});
