import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { describe, expect, it, vi } from 'vitest';
import type { HarnessEvent } from '../../src/domain/harness-event.js';
import type { FurtherMessage, HarnessSession, HarnessTurn } from '../../src/harness/harness.js';
import { runTurn, turnOf } from './support/harness-rig.js';
import type { Answer } from '../support/scripted-model/anthropic-answer.js';
import { planClaude, sessionOf } from './support/planned-claude.js';
import { agentRequests, asks, conversationOf, outlineOf, runs, says, toolsOf } from './support/planned-model.js';
import { skipReason } from './support/programs.js';

Logger.overrideLogger(false);

const further = (id: string, words = `further ${id}`): FurtherMessage => ({
  id,
  prompt: [{ type: 'text', text: words }],
});

const slow = says('one two three four five six seven eight nine ten ', 100);

describe.skipIf(skipReason !== undefined)('Claude Code with a further message while a turn runs', () => {
  const start = planClaude();

  /** Runs a turn; `until` resolves at its first event of this type. */
  function begin(session: HarnessSession, turn: HarnessTurn) {
    const events: HarnessEvent[] = [];
    const end = new Promise<readonly HarnessEvent[]>((resolve) => {
      session.run(turn).subscribe({ next: (batch) => events.push(...batch), complete: () => resolve(events) });
    });
    const until = (type: HarnessEvent['type']): Promise<void> =>
      vi.waitFor(() => expect(events.map((event) => event.type)).toContain(type), { timeout: 10_000, interval: 10 });
    return { end, until, events };
  }

  const steer = (session: HarnessSession, message: FurtherMessage): Promise<boolean> =>
    session.steer?.(message) ?? Promise.reject(new Error('it cannot be steered'));

  it('hears it with the results of its tools', async () => {
    const { model, open } = await start([runs('sleep 1; echo x', 'toolu_1')], [says('Done.')]);
    const session = open();
    const turn = begin(session, turnOf('hello'));
    await turn.until('tool-call');
    expect(await steer(session, further('m1'))).toBe(true);
    expect(outlineOf(await turn.end)).toEqual([
      'call toolu_1 agent/Bash',
      'result toolu_1 x',
      'heard m1',
      'text Done.',
      'end end_turn',
    ]);
    expect(conversationOf(model).slice(-2)).toEqual(['user: result toolu_1 x', 'user (between): further m1']);
    await session.close();
  });

  it('hears it in the same turn after an answer without tools', async () => {
    const { model, open } = await start([slow], [says('Done.')], [says('Next.')]);
    const session = open();
    const turn = begin(session, turnOf('hello'));
    await turn.until('text-delta');
    expect(await steer(session, further('m1'))).toBe(true);
    expect(outlineOf(await turn.end)).toEqual([
      expect.stringMatching(/^text one/),
      'heard m1',
      'text Done.',
      'end end_turn',
    ]);
    expect(outlineOf(await runTurn(session, turnOf('next')))).toEqual(['text Next.', 'end end_turn']);
    expect(conversationOf(model)).toEqual([
      'user: hello',
      expect.stringMatching(/^assistant: one/),
      'user: further m1',
      'assistant: Done.',
      'user: next',
    ]);
    await session.close();
  });

  it('hears several in order, also those that come before the process has started', async () => {
    const { model, open } = await start([says('Done.')], [says('Done.')], [says('Done.')]);
    const session = open();
    const turn = begin(session, turnOf('hello'));
    expect(await Promise.all([steer(session, further('m1')), steer(session, further('m2'))])).toEqual([true, true]);
    expect(outlineOf(await turn.end).filter((line) => /^(heard|end)/.test(line))).toEqual([
      'heard m1',
      'heard m2',
      'end end_turn',
    ]);
    const heard = conversationOf(model)
      .filter((line) => /further/.test(line))
      .join();
    expect(heard.match(/further m\d/g)).toEqual(['further m1', 'further m2']);
    await session.close();
  });

  it('does not hear it once the turn has ended, or waits for tools of the caller', async () => {
    const { model, open } = await start([asks('look', {}, 'toolu_1')], [says('Done.')], [says('Next.')]);
    const session = open();
    const callerTools = toolsOf(['look']);
    await runTurn(session, turnOf('hello', { callerTools }));
    expect(await steer(session, further('m1'))).toBe(false);
    const toolResults = [{ callId: 'toolu_1', content: [], isError: false }];
    await runTurn(session, turnOf('', { prompt: [], callerTools, toolResults }));
    expect(await steer(session, further('m2'))).toBe(false);
    await runTurn(session, turnOf('next', { callerTools }));
    expect(JSON.stringify(agentRequests(model).map(({ messages }) => messages))).not.toContain('further m');
    await session.close();
  });

  it('does not hear it if the turn then ends to wait for tools of the caller', async () => {
    const { model, open } = await start([slow, asks('look', {}, 'toolu_1')], [says('Done.')]);
    const session = open();
    const callerTools = toolsOf(['look']);
    const turn = begin(session, turnOf('hello', { callerTools }));
    await turn.until('text-delta');
    expect(await steer(session, further('m1'))).toBe(false);
    expect(outlineOf(await turn.end).slice(-2)).toEqual(['asks toolu_1 look {}', 'end tool_use']);
    const toolResults = [{ callId: 'toolu_1', content: [], isError: false }];
    expect(outlineOf(await runTurn(session, turnOf('', { prompt: [], callerTools, toolResults })))).toEqual([
      'text Done.',
      'end end_turn',
    ]);
    expect(JSON.stringify(agentRequests(model).map(({ messages }) => messages))).not.toContain('further m');
    await session.close();
  });

  it('does not hear it if the turn is interrupted before', async () => {
    const { model, open } = await start([slow], [says('Next.')]);
    const session = open();
    const turn = begin(session, turnOf('hello'));
    await turn.until('text-delta');
    const heard = steer(session, further('m1'));
    session.interrupt();
    expect(await heard).toBe(false);
    expect(outlineOf(await turn.end).at(-1)).toBe('end interrupted');
    await runTurn(session, turnOf('next'));
    expect(JSON.stringify(agentRequests(model).map(({ messages }) => messages))).not.toContain('further m');
    await session.close();
  });

  it('goes on with it if the model fails before it', async () => {
    const failure: Answer = { kind: 'fail', status: 500, errorType: 'api_error' };
    const { model, open } = await start(failure, [says('Done.')]);
    const session = open();
    const turn = begin(session, turnOf('hello'));
    expect(await steer(session, further('m1'))).toBe(true);
    expect(outlineOf(await turn.end)).toEqual(['heard m1', 'text Done.', 'end end_turn']);
    expect(conversationOf(model)).toEqual(['user: hello', 'user: further m1']);
    await session.close();
  });

  it('hears it once when its process dies before or after it heard it', async () => {
    const { model, open, kill } = await start(
      [runs('sleep 1', 'toolu_0')],
      [runs('while true; do sleep 1; done', 'toolu_1')],
      [says('Done.')],
      [says('Done.')],
    );
    const before = open();
    const turn = turnOf('hello');
    const first = begin(before, turn);
    await first.until('tool-call');
    expect(await steer(before, further('m1'))).toBe(true);
    await vi.waitFor(() => expect(outlineOf(first.events)).toContain('call toolu_1 agent/Bash'), { timeout: 10_000 });
    const unheard = steer(before, further('m2'));
    await delay(300);
    await kill();
    expect(await unheard).toBe(false);
    expect(outlineOf(await first.end).at(-1)).toBe('failed process_died');
    const after = open(sessionOf(first.events));
    const priorEvents = first.events.filter(({ type }) => type !== 'turn-failed');
    const second = await runTurn(after, {
      ...turn,
      attempt: 2,
      priorEvents,
      furtherMessages: [further('m1'), further('m2')],
    });
    expect(outlineOf(second).filter((line) => /^(heard|end)/.test(line))).toEqual([
      'heard m1',
      'heard m2',
      'end end_turn',
    ]);
    const heard = conversationOf(model).join('\n');
    expect(heard.match(/further m\d/g)).toEqual(['further m1', 'further m2']);
    await after.close();
  });
});
