import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../src/domain/harness-event.js';
import type { HarnessSession, HarnessTurn } from '../../src/harness/harness.js';
import { signalProcess } from '../../src/sandbox/host/sweep.js';
import { conversationOf } from './support/codex-model.js';
import { type CodexRig, outline, resultOf, sessionIdOf, startCodexRig, toolsNamed } from './support/codex-rig.js';
import { removeFolders } from './support/folders.js';
import { runTurn, turnOf } from './support/harness-rig.js';
import { skipReason } from './support/programs.js';

Logger.overrideLogger(false);

let rig: CodexRig;
beforeEach(async () => {
  rig = await startCodexRig();
});
afterEach(() => rig.close());
afterAll(removeFolders);

const lookup = (id: string, text: string) => ({ caller: 'look_up', id, input: { text } });
const asking = (text: string, more: Partial<HarnessTurn> = {}) =>
  turnOf(text, { callerTools: toolsNamed('look_up'), ...more });
const answering = (...toolResults: NonNullable<HarnessTurn['toolResults']>) => asking('', { prompt: [], toolResults });
const model = () => rig.model;

/** Runs a turn until an event; the process is then killed. */
async function runUntil(session: HarnessSession, turn: HarnessTurn, isReached: (event: HarnessEvent) => boolean) {
  const events: HarnessEvent[] = [];
  await new Promise<void>((resolve, reject) => {
    session.run(turn).subscribe({
      next: (batch) => {
        events.push(...batch);
        if (batch.some(isReached)) void rig.kill();
      },
      error: reject,
      complete: resolve,
    });
  });
  return events;
}

const ENDS = {
  'a crash': () => rig.kill(),
  'its session was closed': (session: HarnessSession) => session.close(),
  'Codex stopped in good order': async () => {
    // What a Codex does whose server is gone, too: it makes up outputs for the calls.
    for (const pid of await rig.pids()) signalProcess(pid, 'SIGTERM');
    await rig.exited();
  },
};

describe.skipIf(skipReason !== undefined)('Codex without the process that waited for the caller', () => {
  it.each(['a crash', 'its session was closed', 'Codex stopped in good order'] as const)(
    'goes on with the results after %s',
    async (end) => {
      const session = rig.open();
      model().says([{ text: 'Hm.' }, lookup('c1', 'a'), { shell: 'echo inner', id: 's1' }, lookup('c2', 'b')]);
      const parked = await runTurn(session, asking('Go'));
      expect(outline(parked).at(-1)).toBe('ends tool_use');
      await ENDS[end](session);
      const next = rig.open(sessionIdOf(parked));
      const events = await runTurn(next, answering(resultOf('c2', 'two'), resultOf('c1', 'one', true)));
      expect(outline(events)).toEqual(['says Done.', 'tokens', 'ends end_turn']);
      expect(conversationOf(model().bodies.at(-1))).toEqual([
        'user: Go',
        'assistant: Hm.',
        'call c1: look_up {"text":"a"}',
        'call s1: exec_command {"cmd":"echo inner"}',
        'call c2: look_up {"text":"b"}',
        'output c1: The tool failed. | one',
        'output s1: inner',
        'output c2: two',
      ]);
      await runTurn(next, asking('More'));
      expect(conversationOf(model().bodies.at(-1)).slice(-2)).toEqual(['assistant: Done.', 'user: More']);
    },
  );

  it('parks again in the resumed process, and finds all calls of a message', async () => {
    const session = rig.open();
    model().says([lookup('c1', 'a')], [lookup('c2', 'b'), { pauseMs: 300 }, lookup('c3', 'c')]);
    const parked = await runTurn(session, asking('Go'));
    await rig.kill();
    const next = rig.open(sessionIdOf(parked));
    expect(outline(await runTurn(next, answering(resultOf('c1', 'one'))))).toEqual([
      'calls look_up c2 {"text":"b"}',
      'calls look_up c3 {"text":"c"}',
      'tokens',
      'ends tool_use',
    ]);
    const last = await runTurn(next, answering(resultOf('c2', 'two'), resultOf('c3', 'three')));
    expect(outline(last)).toEqual(['says Done.', 'tokens', 'ends end_turn']);
  });

  it('hears the prompt that comes with the results, after them', async () => {
    model().says([lookup('c1', 'a')]);
    const parked = await runTurn(rig.open(), asking('Go'));
    await rig.kill();
    const turn = asking('And be quick', { toolResults: [resultOf('c1', 'one')] });
    await runTurn(rig.open(sessionIdOf(parked)), turn);
    expect(conversationOf(model().bodies.at(-1)).slice(-2)).toEqual(['output c1: one', 'user: And be quick']);
  });

  it('gives a caller that takes one call at a time the next one at once, and then hears its prompt', async () => {
    const callerTools = { ...toolsNamed('look_up'), allowsParallelCalls: false };
    model().says([lookup('c1', 'a'), lookup('c2', 'b')]);
    const parked = await runTurn(rig.open(), asking('Go', { callerTools }));
    await rig.kill();
    const next = rig.open(sessionIdOf(parked));
    const first = asking('And be quick', { callerTools, toolResults: [resultOf('c1', 'one')] });
    expect(outline(await runTurn(next, first))).toEqual(['calls look_up c2 {"text":"b"}', 'ends tool_use']);
    expect(model().bodies).toHaveLength(1);
    const second = await runTurn(next, { ...answering(resultOf('c2', 'two')), callerTools });
    expect(outline(second)).toEqual(['says Done.', 'tokens', 'ends end_turn']);
    expect(conversationOf(model().bodies.at(-1)).slice(3)).toEqual(
      expect.arrayContaining(['output c1: one', 'output c2: two', 'user: And be quick']),
    );
  });

  it('takes other tools with the results', async () => {
    const session = rig.open();
    model().says([lookup('c1', 'a')], [{ caller: 'write_down', id: 'c2', input: { text: 'b' } }]);
    await runTurn(session, asking('Go'));
    const turn = { ...answering(resultOf('c1', 'one')), callerTools: toolsNamed('write_down') };
    expect(outline(await runTurn(session, turn))).toEqual([
      'calls write_down c2 {"text":"b"}',
      'tokens',
      'ends tool_use',
    ]);
    expect(conversationOf(model().bodies.at(-1)).at(-1)).toBe('output c1: one');
  });

  it('ends a turn again with its calls when it died before its end was stored', async () => {
    const session = rig.open();
    model().says([{ shell: 'echo inner >> trace; cat trace', id: 's1' }], [lookup('c1', 'a')]);
    const turn = asking('Go');
    const died = await runTurn(session, turn);
    await rig.kill();
    const again = { ...turn, attempt: 2, priorEvents: died.slice(0, -1) };
    expect(outline(await runTurn(rig.open(sessionIdOf(died)), again))).toEqual([
      'runs s1',
      'ran s1: inner',
      'calls look_up c1 {"text":"a"}',
      'ends tool_use',
    ]);
    expect(model().bodies).toHaveLength(2);
  });

  it('resumes a turn with results that died in the middle of its answer', async () => {
    model().says([lookup('c1', 'a')], [{ shell: 'echo inner', id: 's1' }], [{ text: 'Half' }, { pauseMs: 30_000 }]);
    const parked = await runTurn(rig.open(), asking('Go'));
    const sessionId = sessionIdOf(parked);
    await rig.kill();
    const turn = answering(resultOf('c1', 'one'));
    const died = await runUntil(rig.open(sessionId), turn, (event) => event.type === 'text-delta');
    expect(died.at(-1)).toMatchObject({ type: 'turn-failed', kind: 'process_died' });
    const again = { ...turn, attempt: 2, priorEvents: died.slice(0, -1) };
    const events = await runTurn(rig.open(sessionId), again);
    expect(outline(events).filter((line) => line !== 'tokens')).toEqual([
      'runs s1',
      'ran s1: inner',
      'says Half',
      'says Done.',
      'ends end_turn',
    ]);
    expect(conversationOf(model().bodies.at(-1)).filter((line) => line.startsWith('output c1'))).toEqual([
      'output c1: one',
    ]);
  });

  it('tries results again as a new turn after they failed', async () => {
    model().says([lookup('c1', 'a')], 'fail');
    const session = rig.open();
    await runTurn(session, asking('Go'));
    expect((await runTurn(session, answering(resultOf('c1', 'one')))).at(-1)).toMatchObject({ type: 'turn-failed' });
    const events = await runTurn(session, answering(resultOf('c1', 'one')));
    expect(outline(events).filter((line) => line !== 'tokens')).toEqual(['says Done.', 'ends end_turn']);
    expect(conversationOf(model().bodies.at(-1)).filter((line) => line.startsWith('output'))).toEqual([
      'output c1: one',
    ]);
  });

  it('gives results in words to a Codex that has lost the calls', async () => {
    const call = { type: 'caller-tool-call', id: 'c1', name: 'look_up', input: { text: 'a' } } as const;
    const turn = answering(resultOf('c1', 'Low tide at six.'), resultOf('c2', 'No tide.', true));
    await runTurn(rig.open(), { ...turn, loadCallEvents: () => Promise.resolve([call]) });
    expect(conversationOf(model().bodies.at(-1)).at(-1)).toBe(
      'user: The caller\'s tool look_up, which you called with {"text":"a"}, returned: | Low tide at six. | ' +
        'A tool of the caller that you called failed: | No tide.',
    );
  });
});
