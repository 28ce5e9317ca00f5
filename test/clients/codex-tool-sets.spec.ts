import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HarnessTurn } from '../../src/harness/harness.js';
import { callerToolsOf, conversationOf } from './support/codex-model.js';
import { callerTool, type CodexRig, outline, resultOf, startCodexRig, toolsNamed } from './support/codex-rig.js';
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

describe.skipIf(skipReason !== undefined)('The tools of the caller, to Codex,', () => {
  it('may have names that Codex does not allow, and those of its own tools', async () => {
    const session = rig.open();
    const names = ['a.dotted name', 'x'.repeat(90), 'exec_command', 'mcp__a__b'];
    await runTurn(session, asking('Go', { callerTools: toolsNamed(...names) }));
    const carried = callerToolsOf(rig.model.bodies[0]);
    expect(carried).toHaveLength(4);
    expect(carried.every((name) => /^[a-zA-Z0-9_-]{1,64}$/.test(name))).toBe(true);
    rig.model.says(carried.map((caller, index) => ({ caller, id: `c${index}`, input: {} })));
    const events = await runTurn(session, asking('Go', { callerTools: toolsNamed(...names) }));
    const called = events.flatMap((event) => (event.type === 'caller-tool-call' ? [event.name] : []));
    expect(called.toSorted()).toEqual(names.toSorted());
  });

  it.each(['gpt-6.1-sol', 'gpt-5.5'])('are called by %s itself, deferred ones too', async (model) => {
    const session = rig.open(undefined, { model });
    const callerTools = { tools: [callerTool('look_up', { isDeferred: true })], allowsParallelCalls: true };
    rig.model.says([lookup('c1', 'a')]);
    const events = await runTurn(session, asking('Go', { callerTools }));
    expect(callerToolsOf(rig.model.bodies[0])).toEqual(['look_up']);
    expect(outline(events)).toEqual(['calls look_up c1 {"text":"a"}', 'tokens', 'ends tool_use']);
    const next = await runTurn(session, { ...answering(resultOf('c1', 'one')), callerTools });
    expect(outline(next)).toEqual(['says Done.', 'tokens', 'ends end_turn']);
    expect(conversationOf(rig.model.bodies[1]).at(-1)).toBe('output c1: one');
  });

  it('may be two hundred, with schemas of a hundred kilobytes', async () => {
    const session = rig.open();
    const properties = Object.fromEntries(
      Array.from({ length: 1000 }, (_, index) => [`p${index}`, { type: 'string', description: 'long '.repeat(16) }]),
    );
    const large = callerTool('large', { inputSchema: { type: 'object', properties } });
    const tools = [large, ...Array.from({ length: 199 }, (_, index) => callerTool(`tool-${index}`))];
    rig.model.says([{ caller: 'tool-198', id: 'c1', input: { text: 'a' } }]);
    const events = await runTurn(session, asking('Go', { callerTools: { tools, allowsParallelCalls: true } }));
    expect(callerToolsOf(rig.model.bodies[0])).toHaveLength(200);
    expect(outline(events)).toContain('calls tool-198 c1 {"text":"a"}');
  });

  it('may change with each turn, also where the thread began without any', async () => {
    const session = rig.open();
    const offered = async (...names: readonly string[]) => {
      await runTurn(session, turnOf('Go', names.length === 0 ? {} : { callerTools: toolsNamed(...names) }));
      return callerToolsOf(rig.model.bodies.at(-1));
    };
    expect(await offered()).toEqual([]);
    expect(await offered('one')).toEqual(['one']);
    expect(await offered('three', 'two')).toEqual(['three', 'two']);
    expect(await offered()).toEqual([]);
    expect(conversationOf(rig.model.bodies.at(-1)).filter((line) => line === 'user: Go')).toHaveLength(4);
  });

  it('are there in a process that resumed its conversation before it knew of them, and go again', async () => {
    const first = rig.open();
    const begun = await runTurn(first, turnOf('Remember me'));
    await first.close();
    const session = rig.open(begun.find((event) => event.type === 'session-started')?.sessionId);
    await session.startEarly?.();
    const [process] = await rig.pids();
    expect(process).toBeDefined();
    rig.model.says([lookup('c1', 'a')]);
    expect(outline(await runTurn(session, asking('Look')))).toContain('ends tool_use');
    expect(callerToolsOf(rig.model.bodies.at(-1))).toEqual(['look_up']);
    expect(conversationOf(rig.model.bodies.at(-1))).toContain('user: Remember me');
    // Codex itself, the oldest: what it runs for a moment comes and goes.
    expect((await rig.pids())[0]).toBe(process);
    await runTurn(session, answering(resultOf('c1', 'one')));
    await runTurn(session, turnOf('Go'));
    expect(callerToolsOf(rig.model.bodies.at(-1))).toEqual([]);
    expect(conversationOf(rig.model.bodies.at(-1))).toContain('output c1: one');
  });
});
