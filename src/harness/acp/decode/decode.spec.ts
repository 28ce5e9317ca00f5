import { describe, expect, it } from 'vitest';
import type { DialectName } from '../../../config/agent-settings.js';
import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { call, result, text } from '../__fixtures__/session-setup.js';
import { findFaults, toStory } from '../__fixtures__/story.js';
import { findDialect } from '../dialects/dialect.js';
import { decodeUpdate } from './decode.js';
import { endAcpTurn, type PromptEnd } from './ending.js';
import { type AcpState, beginAcpTurn, chainSteps, initialAcpState } from './state.js';

const ENDED: PromptEnd = { result: { stopReason: 'end_turn' }, isCancelled: false };

/** The events of a turn with these updates, a second apart. */
function decode(
  updates: readonly JsonObject[],
  { dialect = 'standard', end = ENDED }: { readonly dialect?: DialectName; readonly end?: PromptEnd } = {},
): readonly HarnessEvent[] {
  const state = beginAcpTurn(initialAcpState(findDialect(dialect), { model: 'model', mcpServers: [] }), 1);
  const steps = updates.map((update, index) => (current: AcpState) => decodeUpdate(current, update, index * 1_000));
  const [, events] = chainSteps(state, ...steps, (current) => endAcpTurn(current, end, updates.length * 1_000));
  expect(findFaults(events, true)).toEqual([]);
  return events;
}

const plan = (...entries: readonly (readonly [content: string, status: string])[]): JsonObject => ({
  sessionUpdate: 'plan',
  entries: entries.map(([content, status]) => ({ content, status, priority: 'medium' })),
});

describe('An update', () => {
  it('of a plan is a call of update_plan with its result, once for each plan', () => {
    const first = plan(['look', 'in_progress'], ['write', 'pending']);
    expect(toStory(decode([text('I plan.'), first, first, plan(['look', 'completed'])]))).toEqual([
      'I plan.',
      expect.stringMatching(/^agent update_plan \{"plan":\[\{"content":"look"/),
      'result: [>] look\n[ ] write',
      expect.stringMatching(/^agent update_plan /),
      'result: [x] look',
      'end: end_turn',
    ]);
  });

  it('of a compaction is a notice while it runs, and one of a notice has its title', () => {
    const compaction = (status: string): JsonObject => ({
      sessionUpdate: 'compaction_update',
      compactionId: 'a',
      status,
    });
    const notice = { sessionUpdate: 'notice', severity: 'info', title: 'A new version is there.' };
    expect(toStory(decode([compaction('in_progress'), compaction('completed'), notice, text('Hi')]))).toEqual([
      '[compacting] The conversation is being compacted.',
      '[progress] A new version is there.',
      'Hi',
      'end: end_turn',
    ]);
  });

  it('of a tool that has ended changes nothing', () => {
    expect(toStory(decode([call('c'), result('c', 'one'), result('c', 'two'), text('Done')]))).toEqual([
      'agent bash {"command":"ls"}',
      'result: one',
      'Done',
      'end: end_turn',
    ]);
  });

  it('of a pending tool is held until its input is there', () => {
    const pending = { ...call('c', 'pending'), rawInput: {} };
    const named = {
      sessionUpdate: 'tool_call_update',
      toolCallId: 'c',
      status: 'in_progress',
      rawInput: { path: 'a' },
    };
    expect(toStory(decode([pending, named, result('c')]))).toEqual([
      'agent bash {"path":"a"}',
      'result: a file',
      'end: end_turn',
    ]);
  });

  it('with a diff shows what has changed', () => {
    const lines = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];
    const changed = lines.with(4, 'five');
    const diff = { type: 'diff', path: '/a', oldText: `${lines.join('\n')}\n`, newText: `${changed.join('\n')}\n` };
    const added = { type: 'diff', path: '/b', newText: 'new\n' };
    const done = { sessionUpdate: 'tool_call_update', toolCallId: 'c', status: 'completed', content: [diff, added] };
    expect(toStory(decode([call('c'), done]))[1]).toBe(
      'result: --- /a\n+++ /a\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n' +
        '--- /dev/null\n+++ /b\n@@ -0,0 +1,1 @@\n+new',
    );
  });
});

describe('The end of a turn', () => {
  it.each([
    [{ stopReason: 'max_tokens' }, 'end: max_tokens'],
    [{ stopReason: 'refusal' }, 'end: refusal'],
    [{ stopReason: 'max_turn_requests' }, 'internal: The agent stopped at its own limit of model calls.'],
    [{ stopReason: 'cancelled' }, 'end: interrupted'],
  ])('with %j is %s', (answer, story) => {
    expect(toStory(decode([text('Hi')], { end: { result: answer, isCancelled: false } })).at(-1)).toBe(story);
  });

  it('without a word is a failure, also if it is called a refusal', () => {
    const refused: PromptEnd = { result: { stopReason: 'refusal' }, isCancelled: false };
    expect([ENDED, refused].map((end) => decode([], { end }).at(-1)?.type)).toEqual(['turn-failed', 'turn-failed']);
  });

  it('by an error after a cancel is an interrupt', () => {
    const end: PromptEnd = { error: { code: -32603, message: 'aborted', data: undefined }, isCancelled: true };
    expect(toStory(decode([text('Hi')], { end }))).toEqual(['Hi', 'end: interrupted']);
  });

  it.each([
    [{ code: -32603, message: 'Internal error: Your credit balance is too low (429)', data: undefined }, 'billing'],
    [{ code: -32603, message: 'Internal error', data: { details: '429 slow down' } }, 'rate_limit'],
    [{ code: -32603, message: 'prompt is too long', data: undefined }, 'context_too_long'],
    [{ code: -32603, message: 'x', data: { errorName: 'ProviderAuthError' } }, 'authentication'],
    [{ code: 503, message: 'x', data: undefined }, 'overloaded'],
    [{ code: -32603, message: 'something else', data: undefined }, 'internal'],
  ])('by %j fails as %s', (error, kind) => {
    expect(decode([], { end: { error, isCancelled: false } }).at(-1)).toMatchObject({ type: 'turn-failed', kind });
  });

  it('of copilot whose last text begins as an error is one, unless tokens were counted or something follows', () => {
    const usage = { inputTokens: 4, outputTokens: 2, totalTokens: 6 };
    const said = text('Error: 400 no such thing');
    const counted: PromptEnd = { result: { stopReason: 'end_turn', usage }, isCancelled: false };
    const [dialect, kind] = ['copilot', 'bad_request'] as const;
    expect(decode([said], { dialect }).at(-1)).toMatchObject({ type: 'turn-failed', kind });
    expect(toStory(decode([said], { dialect, end: counted }))).toEqual(['Error: 400 no such thing', 'end: end_turn']);
    expect(toStory(decode([said, call('c'), result('c')], { dialect }))[0]).toBe('Error: 400 no such thing');
  });
});
