// Over 250 lines: every kind of caller's tool and result, with the real Claude Code.
import { Logger } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import type { CallerToolResult } from '../../src/domain/caller-tool.js';
import type { HarnessEvent } from '../../src/domain/harness-event.js';
import { offeredTools, runTurn, turnOf } from './support/harness-rig.js';
import { planClaude, type PlannedAnswers } from './support/planned-claude.js';
import { agentRequests, asks, conversationOf, outlineOf, runs, says, toolsOf, uses } from './support/planned-model.js';
import { skipReason } from './support/programs.js';
import { PIXEL } from './support/samples.js';

Logger.overrideLogger(false);

const resultOf = (callId: string, text: string, more: Partial<CallerToolResult> = {}): CallerToolResult => ({
  callId,
  content: [{ type: 'text', text }],
  isError: false,
  ...more,
});

describe.skipIf(skipReason !== undefined)('Claude Code with tools of its caller', () => {
  const startThread = planClaude();

  async function start(...answers: PlannedAnswers) {
    const { model, open } = await startThread(...answers);
    return { model, session: open() };
  }

  const bring = (
    toolResults: readonly CallerToolResult[],
    more: Parameters<typeof turnOf>[1] = {},
  ): ReturnType<typeof turnOf> => ({ ...turnOf(''), prompt: [], toolResults, turnIndex: 1, ...more });

  it('ends the turn with its call, and continues the same call with the result', async () => {
    const { model, session } = await start(
      [says('Let me look.'), asks('look', { q: 'a' }, 'toolu_1')],
      [says('Seen.')],
    );
    const callerTools = toolsOf(['look']);
    const first = await runTurn(session, turnOf('hello', { callerTools }));
    expect(outlineOf(first)).toEqual(['text Let me look.', 'asks toolu_1 look {"q":"a"}', 'end tool_use']);
    expect(offeredTools(model)).toContain('mcp__caller__look');
    const second = await runTurn(session, bring([resultOf('toolu_1', 'a heron')], { callerTools }));
    expect(outlineOf(second)).toEqual(['text Seen.', 'end end_turn']);
    expect(conversationOf(model)).toEqual([
      'user: hello',
      'assistant: Let me look.',
      'assistant: call toolu_1 mcp__caller__look {"q":"a"}',
      'user: result toolu_1 a heron',
    ]);
    const usage = (events: readonly HarnessEvent[]) =>
      events.flatMap((event) => (event.type === 'turn-end' ? [event.usage?.inputTokens] : []));
    expect([usage(first), usage(second)]).toEqual([[100], [100]]);
    await session.close();
  });

  it('ends the turn with calls in parallel, and shows its own tools in whole pairs', async () => {
    const { model, session } = await start(
      [
        runs('echo before', 'toolu_b'),
        asks('look', { q: 'a' }, 'toolu_1'),
        runs('echo between', 'toolu_c'),
        asks('hear', { q: 'b' }, 'toolu_2'),
        runs('sleep 1; echo after', 'toolu_d'),
      ],
      [runs('echo next', 'toolu_e'), asks('look', { q: 'c' }, 'toolu_3')],
      [says('Done.')],
    );
    const callerTools = toolsOf(['look', 'hear']);
    const first = await runTurn(session, turnOf('hello', { callerTools }));
    expect(outlineOf(first)).toEqual([
      'call toolu_b agent/Bash',
      'result toolu_b before',
      'asks toolu_1 look {"q":"a"}',
      'asks toolu_2 hear {"q":"b"}',
      'end tool_use',
    ]);
    const second = await runTurn(
      session,
      bring([resultOf('toolu_2', 'a wren', { isError: true }), resultOf('toolu_1', 'a heron')], { callerTools }),
    );
    expect(outlineOf(second).slice(-3)).toEqual(['result toolu_e next', 'asks toolu_3 look {"q":"c"}', 'end tool_use']);
    expect([...outlineOf(second)].slice(0, -3).sort()).toEqual([
      'call toolu_c agent/Bash',
      'call toolu_d agent/Bash',
      'call toolu_e agent/Bash',
      'result toolu_c between',
      'result toolu_d after',
    ]);
    const third = await runTurn(session, bring([resultOf('toolu_3', 'an owl')], { callerTools }));
    expect(outlineOf(third)).toEqual(['text Done.', 'end end_turn']);
    expect(conversationOf(model)).toEqual(
      expect.arrayContaining([
        'user: error toolu_2 a wren',
        'user: result toolu_1 a heron',
        'user: result toolu_d after',
        'user: result toolu_3 an owl',
      ]),
    );
    expect(agentRequests(model)).toHaveLength(3);
    await session.close();
  });

  it('leaves a tool of its own running when the turn ends, and shows its result in the next turn', async () => {
    const { session } = await start(
      [runs('sleep 4; echo slow', 'toolu_b'), asks('look', { q: 'a' }, 'toolu_1')],
      [says('Done.')],
    );
    const callerTools = toolsOf(['look']);
    const first = await runTurn(session, turnOf('hello', { callerTools }));
    expect(outlineOf(first)).toEqual([
      'call toolu_b agent/Bash',
      'result toolu_b This tool was still running when the turn ended to wait for the caller’s tools.',
      'asks toolu_1 look {"q":"a"}',
      'end tool_use',
    ]);
    const second = await runTurn(session, bring([resultOf('toolu_1', 'a heron')], { callerTools }));
    expect(outlineOf(second)).toEqual(['call toolu_b agent/Bash', 'result toolu_b slow', 'text Done.', 'end end_turn']);
    await session.close();
  });

  it('ends the turn with one call at a time if calls in parallel are not allowed', async () => {
    const { model, session } = await start(
      [asks('look', { q: 'a' }, 'toolu_1'), asks('look', { q: 'b' }, 'toolu_2')],
      [says('Done.')],
    );
    const callerTools = toolsOf(['look'], {}, false);
    expect(outlineOf(await runTurn(session, turnOf('hello', { callerTools })))).toEqual([
      'asks toolu_1 look {"q":"a"}',
      'end tool_use',
    ]);
    const second = await runTurn(session, bring([resultOf('toolu_1', 'one')], { callerTools }));
    expect(outlineOf(second)).toEqual(['asks toolu_2 look {"q":"b"}', 'end tool_use']);
    const third = await runTurn(session, bring([resultOf('toolu_2', 'two')], { callerTools }));
    expect(outlineOf(third)).toEqual(['text Done.', 'end end_turn']);
    expect(conversationOf(model).slice(-2)).toEqual(['user: result toolu_1 one', 'user: result toolu_2 two']);
    await session.close();
  });

  it('ends the turn with a call of a sub-agent, and goes on with it', async () => {
    const task = {
      description: 'look',
      prompt: 'look for it',
      subagent_type: 'general-purpose',
      run_in_background: false,
    };
    const { model, session } = await start(
      [uses('Agent', task, 'toolu_t')],
      [asks('look', { q: 'a' }, 'toolu_1')],
      [says('It is a heron.')],
      [says('Done.')],
    );
    const callerTools = toolsOf(['look']);
    const first = await runTurn(session, turnOf('hello', { callerTools }));
    expect(outlineOf(first).slice(-3)).toEqual([
      expect.stringMatching(/^result toolu_t This tool was still running/),
      'asks toolu_1 look {"q":"a"}',
      'end tool_use',
    ]);
    const second = await runTurn(session, bring([resultOf('toolu_1', 'a heron')], { callerTools }));
    expect(outlineOf(second)).toEqual([
      'call toolu_t agent/Agent',
      expect.stringMatching(/^result toolu_t [^]*It is a heron/),
      'text Done.',
      'end end_turn',
    ]);
    expect(JSON.stringify(agentRequests(model)[2]?.['messages'])).toContain('a heron');
    await session.close();
  });

  it('can be interrupted while it continues, and takes the next message', async () => {
    const { model, session } = await start(
      [asks('look', { q: 'a' }, 'toolu_1')],
      [says('one two three four five six seven eight nine ten ', 100)],
      [says('Next.')],
    );
    const callerTools = toolsOf(['look']);
    await runTurn(session, turnOf('hello', { callerTools }));
    session.interrupt();
    expect(session.alive).toBe(true);
    const events: HarnessEvent[] = [];
    await new Promise<void>((resolve) => {
      session.run(bring([resultOf('toolu_1', 'a heron')], { callerTools })).subscribe({
        next: (batch) => {
          events.push(...batch);
          if (batch.some(({ type }) => type === 'text-delta')) session.interrupt();
        },
        complete: resolve,
      });
    });
    expect(outlineOf(events).at(-1)).toBe('end interrupted');
    expect(outlineOf(await runTurn(session, turnOf('next', { callerTools })))).toEqual(['text Next.', 'end end_turn']);
    expect(conversationOf(model)).toContain('user: result toolu_1 a heron');
    await session.close();
  });

  it('gives up calls for which the next turn brings no result', async () => {
    const { model, session } = await start([asks('look', { q: 'a' }, 'toolu_1')], [says('Next.')]);
    const callerTools = toolsOf(['look']);
    await runTurn(session, turnOf('hello', { callerTools }));
    expect(outlineOf(await runTurn(session, turnOf('never mind', { callerTools })))).toEqual([
      'text Next.',
      'end end_turn',
    ]);
    const conversation = conversationOf(model);
    expect(conversation.slice(0, 2)).toEqual(['user: hello', 'assistant: call toolu_1 mcp__caller__look {"q":"a"}']);
    expect(conversation.filter((line) => line.includes('toolu_1')).slice(1)).toEqual([
      expect.stringMatching(/^user: (error|result) toolu_1 /),
    ]);
    expect(conversation.at(-1)).toBe('user: never mind');
    await session.close();
  });

  it('lets the model see images in results, also in those of a failed tool', async () => {
    const { model, session } = await start([asks('look', { q: 'a' }, 'toolu_1'), asks('look', { q: 'b' }, 'toolu_2')]);
    const callerTools = toolsOf(['look']);
    await runTurn(session, turnOf('hello', { callerTools }));
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } } as const;
    const results = [
      resultOf('toolu_1', '', { content: [image] }),
      resultOf('toolu_2', '', { content: [image], isError: true }),
    ];
    await runTurn(session, bring(results, { callerTools }));
    // Calls in parallel, so the results may come in any order.
    expect([...conversationOf(model).slice(-2)].sort()).toEqual([
      expect.stringMatching(/^user: result toolu_1 image/),
      expect.stringMatching(/^user: result toolu_2 The tool failed: \+ image/),
    ]);
    await session.close();
  });

  it('lets the model hear a message beside the results after them, once', async () => {
    const { model, session } = await start([asks('look', { q: 'a' }, 'toolu_1')], [says('Done.')]);
    const callerTools = toolsOf(['look']);
    await runTurn(session, turnOf('hello', { callerTools }));
    const turn = { ...bring([resultOf('toolu_1', 'a heron')], { callerTools }), prompt: turnOf('And quickly.').prompt };
    expect(outlineOf(await runTurn(session, turn))).toEqual(['text Done.', 'end end_turn']);
    expect(conversationOf(model).slice(-2)).toEqual(['user: result toolu_1 a heron', 'user (between): And quickly.']);
    expect(agentRequests(model)).toHaveLength(2);
    await session.close();
  });

  it('tells the model what violates the schema of a strict tool, without asking the caller', async () => {
    const { model, session } = await start([asks('look', { q: 1 }, 'toolu_1')], [says('Done.')]);
    const callerTools = toolsOf(['look'], { isStrict: true });
    expect(outlineOf(await runTurn(session, turnOf('hello', { callerTools })))).toEqual(['text Done.', 'end end_turn']);
    expect(conversationOf(model).at(-1)).toMatch(/^user: error toolu_1 The input violates the schema.*#\/q \(type\)/);
    await session.close();
  });

  it('offers two hundred tools, large schemas, and names that MCP does not carry', async () => {
    const { model, session } = await start([asks('a.dotted/name', { q: 'a' }, 'toolu_1')]);
    const names = ['a.dotted/name', 'x'.repeat(64), ...Array.from({ length: 198 }, (_, index) => `tool_${index}`)];
    const many = toolsOf(names);
    const [first, ...rest] = many.tools;
    if (first === undefined) throw new Error('no tool');
    const large = { ...first, inputSchema: { ...first.inputSchema, description: 'y'.repeat(100_000) } };
    const events = await runTurn(session, turnOf('hello', { callerTools: { ...many, tools: [large, ...rest] } }));
    expect(outlineOf(events)).toEqual(['asks toolu_1 a.dotted/name {"q":"a"}', 'end tool_use']);
    const offered = offeredTools(model).filter((name) => name.startsWith('mcp__caller__'));
    expect(offered).toHaveLength(200);
    expect(offered.every((name) => name.length <= 64)).toBe(true);
    await session.close();
  });

  it('offers other tools in the next turn, and takes no call of one that is gone', async () => {
    const { model, session } = await start(
      [says('One.')],
      [asks('look', {}, 'toolu_1'), asks('smell', {}, 'toolu_2')],
      [says('Two.')],
      [asks('smell', {}, 'toolu_3')],
      [says('Three.')],
    );
    await runTurn(session, turnOf('one', { callerTools: toolsOf(['look', 'hear']) }));
    expect(offeredTools(model)).toEqual(expect.arrayContaining(['mcp__caller__look', 'mcp__caller__hear']));
    const callerTools = toolsOf(['hear', 'smell']);
    expect(outlineOf(await runTurn(session, turnOf('two', { callerTools })))).toEqual([
      'asks toolu_2 smell {}',
      'end tool_use',
    ]);
    expect(offeredTools(model)).toEqual(expect.arrayContaining(['mcp__caller__hear', 'mcp__caller__smell']));
    expect(outlineOf(await runTurn(session, bring([resultOf('toolu_2', 'a rose')], { callerTools })))).toEqual([
      'text Two.',
      'end end_turn',
    ]);
    // Claude Code 2.1.330 may go on listing a tool of an earlier turn, but refuses to call it.
    expect(outlineOf(await runTurn(session, turnOf('three'))).slice(-2)).toEqual(['text Three.', 'end end_turn']);
    const conversation = conversationOf(model).join('\n');
    expect(conversation).toMatch(/user: error toolu_1 /);
    expect(conversation).toMatch(/user: result toolu_2 a rose/);
    expect(conversation).toMatch(/user: error toolu_3 /);
    await session.close();
  });
});
