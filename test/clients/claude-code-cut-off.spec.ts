import { Logger } from '@nestjs/common';
import { lastValueFrom, tap } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { dropAbandonedBlocks } from '../../src/domain/abandoned-blocks.js';
import type { HarnessEvent } from '../../src/domain/harness-event.js';
import { TOOL_LOST_RESULT } from '../../src/harness/claude-code/resume/turn-plan.js';
import type { HarnessTurn } from '../../src/harness/harness.js';
import { runTurn, turnOf } from './support/harness-rig.js';
import { planClaude, type PlannedClaude, sessionOf } from './support/planned-claude.js';
import { asks, conversationOf, outlineOf, runs, says, toolsOf } from './support/planned-model.js';
import { skipReason } from './support/programs.js';

Logger.overrideLogger(false);

describe.skipIf(skipReason !== undefined)('Claude Code that dies behind the first text of a message', () => {
  const start = planClaude();
  const cutOff = [says('Let me look.'), says('And now', 1000)];
  const whole = [says('Let me look.'), runs('echo seen', 'toolu_1')];
  const outline = ['text Let me look.', 'call toolu_1 agent/Bash', 'result toolu_1 seen', 'text Done.', 'end end_turn'];

  /** Runs a turn whose process is killed with its first text, so often, and then lives. Returns its events for a reader that comes later. */
  async function runWithDeaths(
    deaths: number,
    { open, kill }: PlannedClaude,
    turn: HarnessTurn,
    conversation?: string,
  ): Promise<readonly HarnessEvent[]> {
    const log: HarnessEvent[] = [];
    for (let attempt = 1; attempt <= deaths; attempt += 1) {
      if (attempt > 1) log.push({ type: 'attempt-start', attempt });
      const run$ = open(conversation ?? sessionOf(log)).run({ ...turn, attempt, priorEvents: [...log] });
      const killed$ = run$.pipe(
        tap((events) => {
          log.push(...events);
          if (events.some(({ type }) => type === 'block-end')) void kill();
        }),
      );
      await lastValueFrom(killed$);
      expect(log.pop()).toMatchObject({ type: 'turn-failed', kind: 'process_died' });
    }
    const attempt = deaths + 1;
    const session = open(conversation ?? sessionOf(log));
    const last = await runTurn(session, { ...turn, attempt, priorEvents: log });
    await session.close();
    return dropAbandonedBlocks([...log, { type: 'attempt-start', attempt }, ...last]);
  }

  it.each([
    ['once', 1],
    ['twice', 2],
  ])('%s, says it again, and later readers get it once', async (_times, deaths) => {
    const thread = await start(...Array.from({ length: deaths }, () => cutOff), whole, [says('Done.')]);
    expect(outlineOf(await runWithDeaths(deaths, thread, turnOf('hello')))).toEqual(outline);
    expect(conversationOf(thread.model)).toEqual([
      'user: hello',
      'user: Continue from where you left off.',
      'assistant: Let me look.',
      expect.stringContaining('call toolu_1'),
      'user: result toolu_1 seen',
    ]);
  });

  it('in a turn that brought results of the caller’s tools, says it again, and later readers get it once', async () => {
    const callerTools = toolsOf(['look']);
    const thread = await start([asks('look', {}, 'toolu_c')], cutOff, whole, [says('Done.')]);
    const asking = thread.open();
    const conversation = sessionOf(await runTurn(asking, turnOf('hello', { callerTools })));
    await asking.close();
    const toolResults = [{ callId: 'toolu_c', content: [{ type: 'text' as const, text: 'a heron' }], isError: false }];
    const turn = turnOf('', { prompt: [], toolResults, turnIndex: 1, callerTools });
    expect(outlineOf(await runWithDeaths(1, thread, turn, conversation))).toEqual(outline);
  });
});

describe.skipIf(skipReason !== undefined)('Claude Code that is stopped while its tool runs', () => {
  const start = planClaude();

  it.each(['killed', 'closed'])('hears when it was %s that the tool may have taken effect', async (end) => {
    const { model, open, kill } = await start([runs('while true; do sleep 1; done', 'toolu_1')], [says('Done.')]);
    const session = open();
    const turn = turnOf('hello');
    const first: HarnessEvent[] = [];
    const stopped$ = session.run(turn).pipe(
      tap((events) => {
        first.push(...events);
        if (events.some(({ type }) => type === 'tool-call')) void (end === 'killed' ? kill() : session.close());
      }),
    );
    await lastValueFrom(stopped$);
    const after = open(sessionOf(first));
    const second = await runTurn(after, { ...turn, attempt: 2, priorEvents: first.slice(0, -1) });
    expect(outlineOf(second).slice(-2)).toEqual(['text Done.', 'end end_turn']);
    expect(conversationOf(model)[2]).toBe(`user: error toolu_1 ${TOOL_LOST_RESULT}`);
    await after.close();
  });
});
