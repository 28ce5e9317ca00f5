// Over 250 lines: each way in which a process can end while its calls are out, on one rig.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { describe, expect, it, vi } from 'vitest';
import type { CallerToolResult } from '../../src/domain/caller-tool.js';
import type { HarnessEvent } from '../../src/domain/harness-event.js';
import type { HarnessSession, HarnessTurn } from '../../src/harness/harness.js';
import { offeredTools, runTurn, turnOf } from './support/harness-rig.js';
import type { Answer } from '../support/scripted-model/anthropic-answer.js';
import { planClaude, type PlannedAnswers, type PlannedClaude, sessionOf } from './support/planned-claude.js';
import { agentRequests, asks, conversationOf, outlineOf, runs, says, toolsOf } from './support/planned-model.js';
import { skipReason } from './support/programs.js';

Logger.overrideLogger(false);

const callerTools = toolsOf(['look', 'hear']);

const resultOf = (callId: string, text: string, more: Partial<CallerToolResult> = {}): CallerToolResult => ({
  callId,
  content: [{ type: 'text', text }],
  isError: false,
  ...more,
});

const bring = (toolResults: readonly CallerToolResult[], more: Partial<HarnessTurn> = {}): HarnessTurn =>
  turnOf('', { prompt: [], toolResults, turnIndex: 1, callerTools, ...more });

const both = [resultOf('toolu_1', 'a heron'), resultOf('toolu_2', 'a wren', { isError: true })];

describe.skipIf(skipReason !== undefined)('Claude Code whose calls of its caller’s tools outlive its process', () => {
  const startThread = planClaude();
  let thread: PlannedClaude;

  async function start(...answers: PlannedAnswers): Promise<PlannedClaude> {
    thread = await startThread(...answers);
    return thread;
  }

  /** Waits until the agent has a call or its result in its record: what is not there when its process ends is not known to the next one. */
  async function recorded(text: string): Promise<void> {
    const projects = join(thread.folders.home, '.claude', 'projects');
    await vi.waitFor(
      async () => {
        const names = (await readdir(projects, { recursive: true })).filter((name) => name.endsWith('.jsonl'));
        const records = await Promise.all(names.map((name) => readFile(join(projects, name), 'utf8')));
        expect(records.join('')).toContain(text);
      },
      { timeout: 20_000 },
    );
  }

  /** Kills the agent and all that it has started. */
  async function kill(session: HarnessSession): Promise<void> {
    await thread.kill();
    await vi.waitFor(() => expect(session.alive).toBe(false));
  }

  const parallel = [
    asks('look', { q: 'a' }, 'toolu_1'),
    runs('echo mine', 'toolu_b'),
    asks('hear', { q: 'b' }, 'toolu_2'),
  ];

  const heard = [
    'user: hello',
    'assistant: call toolu_1 mcp__caller__look {"q":"a"}',
    'assistant: call toolu_b Bash {"command":"echo mine","description":"Run a command"}',
    'assistant: call toolu_2 mcp__caller__hear {"q":"b"}',
  ];

  it.each([
    ['was killed', kill],
    ['was stopped', (session: HarnessSession) => session.close()],
  ])('continues with the results in a new one when it %s', async (_how, end) => {
    const { model, open } = await start(parallel, [asks('look', { q: 'c' }, 'toolu_3')], [says('Done.')]);
    const before = open();
    const first = await runTurn(before, turnOf('hello', { callerTools }));
    expect(outlineOf(first).slice(-3)).toEqual([
      'asks toolu_1 look {"q":"a"}',
      'asks toolu_2 hear {"q":"b"}',
      'end tool_use',
    ]);
    await recorded('"tool_use_id":"toolu_b"');
    await end(before);
    const after = open(sessionOf(first));
    const second = await runTurn(after, bring(both));
    expect(outlineOf(second)).toEqual([
      'call toolu_b agent/Bash',
      'result toolu_b mine',
      'asks toolu_3 look {"q":"c"}',
      'end tool_use',
    ]);
    expect(conversationOf(model)).toEqual([
      ...heard,
      'user: result toolu_b mine',
      'user: result toolu_1 a heron',
      'user: error toolu_2 a wren',
      'user: Continue from where you left off.',
    ]);
    expect(offeredTools(model)).toEqual(expect.arrayContaining(['mcp__caller__look', 'mcp__caller__hear']));
    expect(outlineOf(await runTurn(after, bring([resultOf('toolu_3', 'an owl')])))).toEqual([
      'text Done.',
      'end end_turn',
    ]);
    await after.close();
  });

  it('hears a message beside the late results after them, in the place of any other text', async () => {
    const { model, open } = await start(parallel, [says('Done.')]);
    const before = open();
    const first = await runTurn(before, turnOf('hello', { callerTools }));
    await recorded('"id":"toolu_2"');
    await kill(before);
    const after = open(sessionOf(first));
    const second = await runTurn(after, bring(both, { prompt: [{ type: 'text', text: 'And quickly.' }] }));
    expect(outlineOf(second).slice(-2)).toEqual(['text Done.', 'end end_turn']);
    expect(conversationOf(model).slice(-3)).toEqual([
      'user: result toolu_1 a heron',
      'user: error toolu_2 a wren',
      'user: And quickly.',
    ]);
    await after.close();
  });

  it('tells the results in words to a new one that has no record of the calls', async () => {
    const { model, open } = await start([says('Done.')]);
    const call = { type: 'caller-tool-call', id: 'toolu_1', name: 'look', input: { q: 'a' } } as const;
    const session = open();
    await runTurn(session, bring(both, { loadCallEvents: () => Promise.resolve([call]) }));
    expect(conversationOf(model)).toEqual([
      'user: The caller\'s tool look, which you called with {"q":"a"}, returned:',
      'user: a heron',
      'user: A tool of the caller that you called failed:',
      'user: a wren',
    ]);
    await session.close();
  });

  it('ends a resumed turn with the same calls, whose process was stopped before the end was stored', async () => {
    const { model, open } = await start(parallel, [says('Done.')]);
    const before = open();
    const turn = turnOf('hello', { callerTools });
    const first = await runTurn(before, turn);
    await before.close();
    const requests = agentRequests(model).length;
    const between = open(sessionOf(first));
    const again = await runTurn(between, { ...turn, attempt: 2, priorEvents: [] });
    expect(outlineOf(again).filter((line) => !/toolu_b/.test(line))).toEqual([
      'asks toolu_1 look {"q":"a"}',
      'asks toolu_2 hear {"q":"b"}',
      'end tool_use',
    ]);
    expect(agentRequests(model)).toHaveLength(requests);
    await between.close();
    const after = open(sessionOf(first));
    expect(outlineOf(await runTurn(after, bring(both))).slice(-2)).toEqual(['text Done.', 'end end_turn']);
    expect(conversationOf(model).slice(0, 4)).toEqual(heard);
    await after.close();
  });

  it('continues a turn with results in a second attempt, without hearing them twice', async () => {
    const { model, open } = await start(
      parallel,
      [says('One moment.'), runs('while true; do sleep 1; done', 'toolu_s')],
      [says('Done.')],
    );
    const before = open();
    const first = await runTurn(before, turnOf('hello', { callerTools }));
    const turn = bring(both);
    const log: HarnessEvent[] = [];
    const called = new Promise<void>((resolve) => {
      before.run(turn).subscribe((events) => {
        log.push(...events);
        if (events.some((event) => event.type === 'tool-call' && event.id === 'toolu_s')) resolve();
      });
    });
    await called;
    await recorded('"id":"toolu_s"');
    await kill(before);
    const after = open(sessionOf(first));
    const second = await runTurn(after, {
      ...turn,
      attempt: 2,
      priorEvents: log.filter(({ type }) => type !== 'turn-failed'),
    });
    expect(outlineOf(second).slice(-2)).toEqual(['text Done.', 'end end_turn']);
    const conversation = conversationOf(model);
    expect(conversation.filter((line) => /toolu_[12] a/.test(line)).sort()).toEqual([
      'user: error toolu_2 a wren',
      'user: result toolu_1 a heron',
    ]);
    expect(conversation.slice(-4)).toEqual([
      'assistant: One moment.',
      expect.stringMatching(/^assistant: call toolu_s/),
      expect.stringMatching(/^user: error toolu_s/),
      'user: Continue from where you left off.',
    ]);
    await after.close();
  });

  it.each([
    ['the same process', false],
    ['a new process', true],
  ])('takes the same results again in %s after the model failed', async (_where, isNew) => {
    const failure: Answer = { kind: 'fail', status: 500, errorType: 'api_error' };
    const { model, open } = await start(parallel, failure, failure, [says('Done.')]);
    const before = open();
    const first = await runTurn(before, turnOf('hello', { callerTools }));
    expect(outlineOf(await runTurn(before, bring(both))).at(-1)).toMatch(/^failed/);
    if (isNew) await before.close();
    const after = isNew ? open(sessionOf(first)) : before;
    expect(outlineOf(await runTurn(after, bring(both))).at(-1)).toMatch(/^failed/);
    expect(outlineOf(await runTurn(after, bring(both))).slice(-2)).toEqual(['text Done.', 'end end_turn']);
    expect(conversationOf(model).filter((line) => /toolu_[12] a/.test(line))).toEqual([
      'user: result toolu_1 a heron',
      'user: error toolu_2 a wren',
    ]);
    await after.close();
  });

  it('calls one tool after the other without parallel calls, also in new processes', async () => {
    const serial = toolsOf(['look'], {}, false);
    const { model, open } = await start(
      [asks('look', { q: 'a' }, 'toolu_1'), asks('look', { q: 'b' }, 'toolu_2')],
      [says('Done.')],
    );
    const before = open();
    const first = await runTurn(before, turnOf('hello', { callerTools: serial }));
    await before.close();
    const between = open(sessionOf(first));
    const second = await runTurn(between, bring([resultOf('toolu_1', 'one')], { callerTools: serial }));
    expect(outlineOf(second)).toEqual(['asks toolu_2 look {"q":"b"}', 'end tool_use']);
    const third = await runTurn(between, bring([resultOf('toolu_2', 'two')], { callerTools: serial }));
    expect(outlineOf(third)).toEqual(['text Done.', 'end end_turn']);
    expect(conversationOf(model).slice(-3)).toEqual([
      'user: result toolu_1 one',
      'user: result toolu_2 two',
      'user: Continue from where you left off.',
    ]);
    await between.close();
  });
});
