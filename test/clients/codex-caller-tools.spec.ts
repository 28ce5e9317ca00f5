import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../src/domain/harness-event.js';
import type { HarnessTurn } from '../../src/harness/harness.js';
import { callerToolsOf, conversationOf } from './support/codex-model.js';
import { callerTool, type CodexRig, outline, resultOf, startCodexRig, toolsNamed } from './support/codex-rig.js';
import { removeFolders } from './support/folders.js';
import { runTurn, turnOf } from './support/harness-rig.js';
import { skipReason } from './support/programs.js';
import { PIXEL } from './support/samples.js';

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

describe.skipIf(skipReason !== undefined)('Codex with tools of the caller', () => {
  it('ends the turn with its calls, and goes on with their results in the next one', async () => {
    const session = rig.open();
    rig.model.says([{ text: 'Let me look.' }, lookup('c1', 'heron'), lookup('c2', 'crab')], [{ text: 'Both live.' }]);
    expect(outline(await runTurn(session, asking('What lives here?')))).toEqual([
      'says Let me look.',
      'calls look_up c1 {"text":"heron"}',
      'calls look_up c2 {"text":"crab"}',
      'tokens',
      'ends tool_use',
    ]);
    expect(callerToolsOf(rig.model.bodies[0])).toEqual(['look_up']);
    expect(rig.model.bodies).toHaveLength(1);
    expect(outline(await runTurn(session, answering(resultOf('c1', 'yes'), resultOf('c2', 'no', true))))).toEqual([
      'says Both live.',
      'tokens',
      'ends end_turn',
    ]);
    expect(conversationOf(rig.model.bodies[1])).toEqual([
      'user: What lives here?',
      'assistant: Let me look.',
      'call c1: look_up {"text":"heron"}',
      'call c2: look_up {"text":"crab"}',
      'output c1: yes',
      'output c2: The tool failed. | no',
    ]);
  });

  it('gives the caller all calls of a message together, although they come apart', async () => {
    const session = rig.open();
    rig.model.says([lookup('c1', 'a'), { pauseMs: 400 }, lookup('c2', 'b')]);
    expect(outline(await runTurn(session, asking('Go')))).toEqual([
      'calls look_up c1 {"text":"a"}',
      'calls look_up c2 {"text":"b"}',
      'tokens',
      'ends tool_use',
    ]);
  });

  it('goes through several rounds, with tools of its own before, beside and after', async () => {
    const session = rig.open();
    rig.model.says(
      [{ shell: 'echo before', id: 's1' }],
      [lookup('c1', 'a'), { shell: 'echo beside', id: 's2' }],
      [{ shell: 'echo after', id: 's3' }],
      [lookup('c2', 'b')],
      [{ text: 'All done.' }],
    );
    const first = outline(await runTurn(session, asking('Go')));
    // Calls of one answer run beside each other, so that either may be seen first.
    expect(first.filter((line) => !line.startsWith('calls look_up'))).toEqual([
      'runs s1',
      'ran s1: before',
      'tokens',
      'runs s2',
      'ran s2: beside',
      'tokens',
      'ends tool_use',
    ]);
    expect(first.slice(3, 6)).toContain('calls look_up c1 {"text":"a"}');
    expect(outline(await runTurn(session, answering(resultOf('c1', 'one'))))).toEqual([
      'runs s3',
      'ran s3: after',
      'tokens',
      'calls look_up c2 {"text":"b"}',
      'tokens',
      'ends tool_use',
    ]);
    expect(outline(await runTurn(session, answering(resultOf('c2', 'two'))))).toEqual([
      'says All done.',
      'tokens',
      'ends end_turn',
    ]);
    expect(conversationOf(rig.model.bodies[4]).slice(1)).toEqual([
      'call s1: exec_command {"cmd":"echo before"}',
      'output s1: before',
      'call c1: look_up {"text":"a"}',
      'call s2: exec_command {"cmd":"echo beside"}',
      'output c1: one',
      'output s2: beside',
      'call s3: exec_command {"cmd":"echo after"}',
      'output s3: after',
      'call c2: look_up {"text":"b"}',
      'output c2: two',
    ]);
  });

  it('shows a tool of its own that outlasts the turn in both turns', async () => {
    const session = rig.open();
    rig.model.says([lookup('c1', 'a'), { shell: 'sleep 2.5; echo slow', id: 's1' }], [{ text: 'ok' }]);
    expect(outline(await runTurn(session, asking('Go')))).toEqual([
      'calls look_up c1 {"text":"a"}',
      'runs s1',
      'ran s1: The tool is still running. The next message has its result.',
      'tokens',
      'ends tool_use',
    ]);
    expect(outline(await runTurn(session, answering(resultOf('c1', 'one'))))).toEqual([
      'runs s1',
      'ran s1: slow',
      'says ok',
      'tokens',
      'ends end_turn',
    ]);
  });

  it('hears a prompt that comes with the results after them, once', async () => {
    const session = rig.open();
    rig.model.says([lookup('c1', 'a')], [{ text: 'ok' }]);
    await runTurn(session, asking('Go'));
    const more = asking('And be quick', { toolResults: [resultOf('c1', 'one')] });
    expect(outline(await runTurn(session, more))).toEqual(['says ok', 'tokens', 'ends end_turn']);
    expect(conversationOf(rig.model.bodies.at(-1)).slice(-2)).toEqual(['output c1: one', 'user: And be quick']);
  });

  it('gets images as images, and documents as text', async () => {
    const session = rig.open();
    rig.model.says([lookup('c1', 'a')]);
    await runTurn(session, asking('Go'));
    const source = { type: 'base64', media_type: 'image/png', data: PIXEL } as const;
    const note = { type: 'text', media_type: 'text/plain', data: 'Low tide at six.' } as const;
    const content = [{ type: 'image', source } as const, { type: 'document', source: note, title: 'Tides' } as const];
    await runTurn(session, answering({ callId: 'c1', content, isError: false }));
    expect(conversationOf(rig.model.bodies.at(-1)).at(-1)).toBe(
      'output c1: [data:image/png;base64,] | The document "Tides":\n\nLow tide at six.',
    );
  });

  it('calls one tool at a time for a caller that wants it so', async () => {
    const session = rig.open();
    const callerTools = { ...toolsNamed('look_up'), allowsParallelCalls: false };
    rig.model.says([lookup('c1', 'a'), lookup('c2', 'b')], [{ text: 'ok' }]);
    const first = outline(await runTurn(session, asking('Go', { callerTools })));
    expect(first).toEqual(['calls look_up c1 {"text":"a"}', 'tokens', 'ends tool_use']);
    const second = await runTurn(session, { ...answering(resultOf('c1', 'one')), callerTools });
    expect(outline(second)).toEqual(['calls look_up c2 {"text":"b"}', 'ends tool_use']);
    const third = await runTurn(session, { ...answering(resultOf('c2', 'two')), callerTools });
    expect(outline(third)).toEqual(['says ok', 'tokens', 'ends end_turn']);
  });

  it('is told of an input that a strict tool does not take, and the caller is not', async () => {
    const session = rig.open();
    const callerTools = { tools: [callerTool('look_up', { isStrict: true })], allowsParallelCalls: true };
    rig.model.says([{ caller: 'look_up', id: 'c1', input: { text: 7 } }], [lookup('c2', 'b')], [{ text: 'ok' }]);
    expect(outline(await runTurn(session, asking('Go', { callerTools })))).toEqual([
      'tokens',
      'calls look_up c2 {"text":"b"}',
      'tokens',
      'ends tool_use',
    ]);
    expect(conversationOf(rig.model.bodies[1]).at(-1)).toMatch(
      /^output c1: The tool failed\. \| The input does not follow/,
    );
  });

  it('can be interrupted between its calls and the end of the turn', async () => {
    const session = rig.open();
    rig.model.says([{ shell: 'sleep 20', id: 's1' }, lookup('c1', 'a')]);
    const events = await new Promise<readonly HarnessEvent[]>((resolve, reject) => {
      const all: HarnessEvent[] = [];
      session.run(asking('Go')).subscribe({
        next: (batch) => {
          all.push(...batch);
          if (batch.some(({ type }) => type === 'caller-tool-call')) session.interrupt();
        },
        error: reject,
        complete: () => resolve(all),
      });
    });
    expect(outline(events).at(-1)).toBe('ends interrupted');
    expect(outline(await runTurn(session, asking('Next'))).at(-1)).toBe('ends end_turn');
  });

  it('goes on without results when the caller says something else', async () => {
    const session = rig.open();
    rig.model.says([lookup('c1', 'a')]);
    await runTurn(session, asking('Go'));
    const events = await runTurn(session, asking('Forget it'));
    expect(outline(events)).toEqual(['says Done.', 'tokens', 'ends end_turn']);
    const heard = conversationOf(rig.model.bodies[1]);
    expect(heard.filter((line) => line.startsWith('output c1:'))).toHaveLength(1);
    expect(heard.at(-1)).toBe('user: Forget it');
  });
});
