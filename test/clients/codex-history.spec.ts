import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SeedMessage } from '../../src/domain/seed/seed-message.js';
import type { HarnessTurn } from '../../src/harness/harness.js';
import { callerToolsOf, conversationOf } from './support/codex-model.js';
import { type CodexRig, outline, resultOf, sessionIdOf, startCodexRig, toolsNamed } from './support/codex-rig.js';
import { removeFolders } from './support/folders.js';
import { runTurn, turnOf } from './support/harness-rig.js';
import { skipReason } from './support/programs.js';
import { PDF, PIXEL } from './support/samples.js';

Logger.overrideLogger(false);

let rig: CodexRig;
beforeEach(async () => {
  rig = await startCodexRig();
});
afterEach(() => rig.close());
afterAll(removeFolders);

const text = (words: string) => ({ type: 'text', text: words }) as const;
const lookup = (id: string) => ({ caller: 'look_up', id, input: { text: id } });
const asking = (words: string, more: Partial<HarnessTurn> = {}) =>
  turnOf(words, { callerTools: toolsNamed('look_up'), ...more });
const answering = (...toolResults: NonNullable<HarnessTurn['toolResults']>) => asking('', { prompt: [], toolResults });
const newest = () => conversationOf(rig.model.bodies.at(-1));

const SEED: readonly SeedMessage[] = [
  {
    role: 'user',
    content: [
      text('What is in the picture?'),
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } },
      { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: PDF }, title: 'Reef' },
    ],
  },
  {
    role: 'assistant',
    content: [
      text('I look it up.'),
      { type: 'tool-call', id: 't1', name: 'look.up', server: 'caller', input: { text: 'reef' } },
      { type: 'tool-call', id: 't2', name: 'shell', server: 'agent', input: { command: 'ls' } },
    ],
  },
  {
    role: 'user',
    content: [
      { type: 'tool-result', id: 't1', content: [text('a heron')], isError: false },
      { type: 'tool-result', id: 't2', content: [], isError: true },
      text('Go on.'),
    ],
  },
  { role: 'assistant', content: [text('A heron.')] },
];

describe.skipIf(skipReason !== undefined)('Codex with earlier messages', () => {
  const SEEDED = [
    expect.stringMatching(
      /^user: What is in the picture\? \| \[data:image.*\] \| The document "Reef" is in the file .*\.pdf/,
    ),
    'assistant: I look it up.',
    expect.stringMatching(/^call t1: look_up_[0-9a-f]{8} \{"text":"reef"\}$/),
    'call t2: shell {"command":"ls"}',
    'output t1: a heron',
    'output t2: The tool failed.',
    'user: Go on.',
    'assistant: A heron.',
  ];

  it('sends them whole and in order, before the prompt, and keeps them', async () => {
    const session = rig.open();
    const events = await runTurn(session, turnOf('Where?', { seed: SEED }));
    expect(outline(events)).toEqual(['says Done.', 'tokens', 'ends end_turn']);
    expect(newest()).toEqual([...SEEDED, 'user: Where?']);
    await session.close();
    await runTurn(rig.open(sessionIdOf(events)), turnOf('Again'));
    expect(newest()).toEqual([...SEEDED, 'user: Where?', 'assistant: Done.', 'user: Again']);
  });

  it('has them once when an earlier attempt of the turn has put them there', async () => {
    const session = rig.open();
    const events = await runTurn(session, turnOf('Where?', { seed: SEED }));
    await session.close();
    // The attempt that follows does not find its own prompt.
    const later = turnOf('Where then?', { seed: SEED, attempt: 2, priorEvents: [] });
    await runTurn(rig.open(sessionIdOf(events)), later);
    expect(newest()).toEqual([...SEEDED, 'user: Where?', 'assistant: Done.', 'user: Where then?']);
  });

  it('goes on with results of calls that they end with', async () => {
    const seed: readonly SeedMessage[] = [
      { role: 'user', content: [text('What lives here?')] },
      {
        role: 'assistant',
        content: [{ type: 'tool-call', id: 't1', name: 'look_up', server: 'caller', input: { text: 'reef' } }],
      },
    ];
    await runTurn(rig.open(), { ...answering(resultOf('t1', 'a heron')), seed });
    expect(newest()).toEqual(['user: What lives here?', 'call t1: look_up {"text":"reef"}', 'output t1: a heron']);
  });
});

describe.skipIf(skipReason !== undefined)('Codex from which turns are dropped', () => {
  it('goes on from the turn before a prompt', async () => {
    const session = rig.open();
    await runTurn(session, turnOf('One'));
    const second = turnOf('Two');
    await runTurn(session, second);
    await runTurn(session, turnOf('Three'));
    const events = await runTurn(session, turnOf('Two, but better', { dropFrom: second.id }));
    expect(outline(events)).toEqual(['says Done.', 'tokens', 'ends end_turn']);
    expect(newest()).toEqual(['user: One', 'assistant: Done.', 'user: Two, but better']);
  });

  it('keeps the earlier messages that its first turn brought', async () => {
    const session = rig.open();
    const seed: readonly SeedMessage[] = [
      { role: 'user', content: [text('Hello')] },
      { role: 'assistant', content: [text('Hi.')] },
    ];
    const first = turnOf('One', { seed });
    await runTurn(session, first);
    await runTurn(session, turnOf('Another', { dropFrom: first.id }));
    expect(newest()).toEqual(['user: Hello', 'assistant: Hi.', 'user: Another']);
  });

  it('goes on from the calls before results, and again', async () => {
    const session = rig.open();
    rig.model.says([{ text: 'Hm.' }, lookup('c1'), { shell: 'echo inner', id: 's1' }]);
    const parked = await runTurn(session, asking('One'));
    const results = answering(resultOf('c1', 'first'));
    await runTurn(session, results);
    await runTurn(session, asking('Two'));
    const better = { ...answering(resultOf('c1', 'second')), dropFrom: results.id };
    await runTurn(session, better);
    const UP_TO_CALLS = [
      'user: One',
      'assistant: Hm.',
      'call c1: look_up {"text":"c1"}',
      'call s1: exec_command {"cmd":"echo inner"}',
    ];
    expect(newest()).toEqual([...UP_TO_CALLS, 'output c1: second', 'output s1: inner']);
    await session.close();
    const best = { ...answering(resultOf('c1', 'third')), dropFrom: better.id };
    const next = rig.open(sessionIdOf(parked));
    expect(outline(await runTurn(next, best))).toEqual(['says Done.', 'tokens', 'ends end_turn']);
    expect(newest()).toEqual([...UP_TO_CALLS, 'output c1: third', 'output s1: inner']);
    await runTurn(next, asking('Two'));
    expect(newest().slice(-2)).toEqual(['assistant: Done.', 'user: Two']);
  });

  it('drops the calls that a process waits with', async () => {
    const session = rig.open();
    await runTurn(session, asking('One'));
    rig.model.says([lookup('c1')]);
    const second = asking('Two');
    await runTurn(session, second);
    await runTurn(session, asking('Other', { dropFrom: second.id }));
    expect(newest()).toEqual(['user: One', 'assistant: Done.', 'user: Other']);
  });

  it('has the tools of the new turn, although it had others then', async () => {
    const session = rig.open();
    await runTurn(session, asking('One'));
    const second = asking('Two', { callerTools: toolsNamed('write_down') });
    await runTurn(session, second);
    await runTurn(session, asking('Two', { callerTools: toolsNamed('read_out'), dropFrom: second.id }));
    expect(callerToolsOf(rig.model.bodies.at(-1))).toEqual(['read_out']);
    expect(newest()).toEqual(['user: One', 'assistant: Done.', 'user: Two']);
  });

  it('keeps its record if it does not know the turn', async () => {
    const session = rig.open();
    await runTurn(session, turnOf('One'));
    await runTurn(session, turnOf('Two', { dropFrom: 'unknown' }));
    expect(newest()).toEqual(['user: One', 'assistant: Done.', 'user: Two']);
  });
});
