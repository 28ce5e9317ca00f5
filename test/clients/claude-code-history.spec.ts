import { Logger } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import type { SeedMessage } from '../../src/domain/seed/seed-message.js';
import { runTurn, turnOf } from './support/harness-rig.js';
import { planClaude, sessionOf } from './support/planned-claude.js';
import { agentRequests, asks, conversationOf, outlineOf, says, toolsOf } from './support/planned-model.js';
import { skipReason } from './support/programs.js';
import { PDF, PIXEL } from './support/samples.js';

Logger.overrideLogger(false);

const text = (words: string) => ({ type: 'text', text: words }) as const;

const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } } as const;

const seed: readonly SeedMessage[] = [
  {
    role: 'user',
    content: [
      text('What is this?'),
      image,
      { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: PDF }, title: 'a.pdf' },
    ],
  },
  {
    role: 'assistant',
    content: [
      text('Let me look.'),
      { type: 'tool-call', id: 'toolu_a', name: 'look.up', server: 'caller', input: { q: 'a' } },
      { type: 'tool-call', id: 'toolu_b', name: 'search', server: 'docs', input: {} },
      { type: 'tool-call', id: 'toolu_c', name: 'Bash', server: 'agent', input: { command: 'ls' } },
    ],
  },
  {
    role: 'user',
    content: [
      { type: 'tool-result', id: 'toolu_a', content: [text('found'), image], isError: false },
      { type: 'tool-result', id: 'toolu_b', content: [text('nothing')], isError: true },
      { type: 'tool-result', id: 'toolu_c', content: [], isError: false },
      text('And quickly.'),
    ],
  },
  { role: 'assistant', content: [text('A pixel.')] },
];

const seeded = [
  'user: What is this?',
  'user: image',
  'user: document',
  'assistant: Let me look.',
  expect.stringMatching(/^assistant: call toolu_a mcp__caller__look_up_[0-9a-f]{8} \{"q":"a"\}$/),
  'assistant: call toolu_b mcp__docs__search {}',
  'assistant: call toolu_c Bash {"command":"ls"}',
  'user: result toolu_a found + image',
  'user: error toolu_b nothing',
  'user: result toolu_c',
  'user: And quickly.',
  'assistant: A pixel.',
];

const tail: readonly SeedMessage[] = [
  { role: 'user', content: [text('one more')] },
  { role: 'assistant', content: [text('yes')] },
];

describe.skipIf(skipReason !== undefined)('Claude Code with an earlier conversation', () => {
  const start = planClaude();

  it('begins with it whole and in order, in its own form, and goes on from there', async () => {
    const { model, open } = await start([says('Hello.')], [says('Still here.')]);
    const session = open();
    const first = await runTurn(session, turnOf('go on', { seed }));
    expect(outlineOf(first)).toEqual(['text Hello.', 'end end_turn']);
    expect(conversationOf(model)).toEqual([...seeded, 'user: go on']);
    expect(agentRequests(model).at(-1)?.['model']).toMatch(/^claude-/);
    await session.close();
    const later = open(sessionOf(first));
    await runTurn(later, turnOf('and now', { turnIndex: 1 }));
    expect(conversationOf(model)).toEqual([...seeded, 'user: go on', 'assistant: Hello.', 'user: and now']);
    await later.close();
  });

  it('adds it to the conversation that it has, on a process that runs', async () => {
    const { model, open } = await start([says('Hello.')], [says('Done.')]);
    const session = open();
    await runTurn(session, turnOf('first'));
    await runTurn(session, turnOf('second', { seed: tail }));
    expect(conversationOf(model)).toEqual([
      'user: first',
      'assistant: Hello.',
      'user: one more',
      'assistant: yes',
      'user: second',
    ]);
    await session.close();
  });

  it('hears a prompt that follows a message of the user without a word of its own between the two', async () => {
    const { model, open } = await start([says('Hello.')]);
    const session = open();
    await runTurn(session, turnOf('go on', { seed: seed.slice(0, 3) }));
    expect(conversationOf(model)).toEqual([...seeded.slice(0, -1), 'user: go on']);
    await session.close();
  });

  it('does not get it again in a second attempt of the turn', async () => {
    const { model, open } = await start([says('Hello.')]);
    const turn = turnOf('go on', { seed });
    const before = open();
    const first = await runTurn(before, turn);
    await before.close();
    const again = open(sessionOf(first));
    expect(outlineOf(await runTurn(again, { ...turn, attempt: 2 }))).toEqual(['text Hello.', 'end end_turn']);
    await runTurn(again, turnOf('and now', { turnIndex: 1 }));
    expect(conversationOf(model)).toEqual([...seeded, 'user: go on', 'assistant: Hello.', 'user: and now']);
    await again.close();
  });

  it('forgets a dropped turn and all later ones, on the same conversation', async () => {
    const { model, open } = await start([says('One.')], [says('Two.')], [says('Three.')], [says('Other.')]);
    const session = open();
    const first = await runTurn(session, turnOf('first'));
    const second = turnOf('second');
    await runTurn(session, second);
    await runTurn(session, turnOf('third'));
    const forked = await runTurn(session, turnOf('another', { dropFrom: second.id }));
    expect(sessionOf(forked)).toBe(sessionOf(first));
    expect(conversationOf(model)).toEqual(['user: first', 'assistant: One.', 'user: another']);
    await session.close();
  });

  it('starts over on the same conversation if the first turn is dropped, with what takes its place', async () => {
    const { model, open } = await start([says('One.')], [says('Two.')], [says('Three.')]);
    const session = open();
    const turn = turnOf('first');
    const first = await runTurn(session, turn);
    const other = turnOf('another', { dropFrom: turn.id });
    expect(sessionOf(await runTurn(session, other))).toBe(sessionOf(first));
    expect(conversationOf(model)).toEqual(['user: another']);
    const third = await runTurn(session, turnOf('a third', { dropFrom: other.id, seed: tail }));
    expect(sessionOf(third)).toBe(sessionOf(first));
    expect(conversationOf(model)).toEqual(['user: one more', 'assistant: yes', 'user: a third']);
    await session.close();
  });

  it('forgets a turn that brought results, with and without a new process', async () => {
    const { model, open } = await start(
      [asks('look', {}, 'toolu_1')],
      [says('Seen.')],
      [says('Again.')],
      [says('Other.')],
    );
    const callerTools = toolsOf(['look']);
    const session = open();
    const first = await runTurn(session, turnOf('first', { callerTools }));
    const results = [{ callId: 'toolu_1', content: [text('a heron')], isError: false }];
    const warm = turnOf('', { prompt: [], toolResults: results, callerTools });
    await runTurn(session, warm);
    await session.close();
    const later = open(sessionOf(first));
    const cold = turnOf('', { prompt: [], toolResults: results, callerTools, dropFrom: warm.id });
    expect(outlineOf(await runTurn(later, cold))).toEqual(['text Again.', 'end end_turn']);
    expect(conversationOf(model)).toEqual([
      'user: first',
      'assistant: call toolu_1 mcp__caller__look {}',
      'user: result toolu_1 a heron',
      'user: Continue from where you left off.',
    ]);
    await runTurn(later, turnOf('something else', { dropFrom: cold.id }));
    expect(JSON.stringify(conversationOf(model))).not.toContain('heron');
    await later.close();
  });

  it('keeps the whole record if it does not have the dropped turn', async () => {
    const { model, open } = await start([says('One.')], [says('Two.')]);
    const session = open();
    await runTurn(session, turnOf('first'));
    await runTurn(session, turnOf('second', { dropFrom: turnOf('unknown').id }));
    expect(conversationOf(model)).toEqual(['user: first', 'assistant: One.', 'user: second']);
    await session.close();
  });
});
