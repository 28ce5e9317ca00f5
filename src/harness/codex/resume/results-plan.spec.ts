import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../../domain/harness-event.js';
import { asString } from '../../../domain/json.js';
import { parseRolloutLines, type RolloutLine } from '../record/rollout-lines.js';
import { findItemOutputs, planCodexResults } from './results-plan.js';

const parked = parseRolloutLines(
  readFileSync(new URL('../__fixtures__/rollout-parked.jsonl', import.meta.url)),
  0,
  true,
);
const CODEX_TURN = asString(parked[0]?.payload['turn_id']);
const IDS = new Set(['call_a', 'call_b']);

const lineOf = (type: string, payload: RolloutLine['payload']): RolloutLine => ({
  offset: 0,
  ordinal: 0,
  type,
  payload,
});
const output = (id: string) => lineOf('response_item', { type: 'function_call_output', call_id: id });
const callOf = (id: string, namespace?: string) =>
  lineOf('response_item', {
    type: 'function_call',
    call_id: id,
    name: 'look_up',
    arguments: '{}',
    ...(namespace === undefined ? {} : { namespace }),
  });
const user = { type: 'userMessage', clientId: 'first' };
const shell = { type: 'commandExecution', id: 'call_s', command: 'ls', status: 'completed', aggregatedOutput: 'hi' };
const dynamic = (id: string) => ({
  type: 'dynamicToolCall',
  id,
  namespace: 'caller',
  tool: 'look_up',
  status: 'completed',
});
const said = (id: string) => ({ type: 'agentMessage', id, text: id });
const turn = (id: string | undefined, status: string, ...items: readonly object[]) => ({ id, status, items });

function plan(lines: readonly RolloutLine[], turns: readonly object[], more = {}) {
  const list: readonly JsonValue[] = JSON.parse(JSON.stringify(turns));
  return planCodexResults(lines, list, { id: 'ours', attempt: 1, callIds: IDS, ...more });
}
const broken = turn(CODEX_TURN, 'interrupted', user, said('m'), shell);
const answered = [...parked, output('call_a'), output('call_s'), output('call_b')];

describe('A turn with results that no process waits for', () => {
  it('lacks its calls if the record was lost', () => {
    expect(plan([], [])).toEqual({ kind: 'unknown' });
  });

  it('continues with the outputs that the record lacks, in the order of the calls', () => {
    const first = plan(parked, [broken]);
    expect(first).toMatchObject({ kind: 'continue', events: [], waiting: [], isPromptHeard: false });
    expect(first.kind === 'continue' && first.unanswered.map(({ id }) => id)).toEqual(['call_a', 'call_s', 'call_b']);
    const second = plan([...parked, output('call_a')], [broken]);
    expect(second.kind === 'continue' && second.unanswered.map(({ id }) => id)).toEqual(['call_s', 'call_b']);
  });

  it('leaves the calls without a result to the next turn', () => {
    const one = plan(parked, [broken], { callIds: new Set(['call_a']) });
    expect(one.kind === 'continue' && one.waiting.map(({ id }) => id)).toEqual(['call_b']);
    expect(one.kind === 'continue' && one.unanswered.map(({ id }) => id)).toEqual(['call_a', 'call_s']);
  });

  it('ends again with the calls that its dead attempt made', () => {
    const lines = [...answered, callOf('call_c', 'caller'), lineOf('token_usage_record', {})];
    const again = plan(
      lines,
      [turn(CODEX_TURN, 'interrupted', user, shell, dynamic('call_a'), dynamic('call_b'), said('n'))],
      {
        attempt: 2,
      },
    );
    expect(again).toMatchObject({ kind: 'continue', unanswered: [], waiting: [{ id: 'call_c' }] });
    expect(again.kind === 'continue' && again.events).toEqual([
      { type: 'text-delta', id: 'n', text: 'n' },
      { type: 'block-end', id: 'n' },
    ]);
  });

  it('replays only what came after the results, from the same turn of Codex and later ones', () => {
    const warm = turn(
      CODEX_TURN,
      'interrupted',
      user,
      said('m'),
      shell,
      dynamic('call_a'),
      dynamic('call_b'),
      said('n'),
    );
    const later = turn('later', 'interrupted', said('o'));
    const events = (turns: readonly object[]) => {
      const planned = plan(answered, turns, { attempt: 2 });
      return planned.kind === 'continue'
        ? planned.events.flatMap((event) => ('text' in event ? [event.text] : []))
        : [];
    };
    expect(events([later, warm])).toEqual(['n', 'o']);
    expect(events([later, broken])).toEqual(['o']);
  });

  it('has heard its prompt if the record has it after the results', () => {
    const prompt = { type: 'userMessage', clientId: 'ours' };
    const warm = turn(CODEX_TURN, 'interrupted', user, dynamic('call_a'), dynamic('call_b'), prompt);
    expect(plan(answered, [warm], { attempt: 2 })).toMatchObject({ isPromptHeard: true });
    expect(plan(answered, [broken], { attempt: 2 })).toMatchObject({ isPromptHeard: false });
  });

  it('is over if Codex has completed it', () => {
    expect(plan(answered, [turn('later', 'completed', said('n')), broken])).toMatchObject({
      kind: 'ended',
      events: [{ text: 'n' }, { type: 'block-end' }, { type: 'turn-end', reason: 'end_turn' }],
    });
  });

  it('that failed stays so for the same turn, and is tried again by another one', () => {
    const failed = { ...turn('later', 'failed'), error: { message: 'boom' } };
    expect(plan(answered, [failed, broken], { attempt: 2 })).toMatchObject({
      kind: 'ended',
      events: [{ type: 'turn-failed' }],
    });
    expect(plan(answered, [failed, broken])).toMatchObject({ kind: 'continue', unanswered: [], events: [] });
  });
});

describe('The outputs of Codex’s own tools', () => {
  it('are those of the items that have ended', () => {
    const turns: readonly JsonValue[] = JSON.parse(
      JSON.stringify([
        turn('t', 'interrupted', shell, { ...shell, id: 'open', status: 'inProgress' }, dynamic('call_a')),
      ]),
    );
    expect([...findItemOutputs(turns)]).toEqual([['call_s', [{ type: 'text', text: 'hi' }]]]);
  });
});
