import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { checkGrammar } from '../../../test/support/stream-grammar.js';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { collect, buildTurnMessage } from '../collect.js';
import { replayMessage } from '../replay-message.js';
import { applyPresentation, type Presentation } from './apply-presentation.js';
import type { StreamEvent } from '../../anthropic/stream-event.js';
import { endOfEvents, keepAlive, initialState, translateEvent } from '../translate.js';

const AS_TEXT: Presentation = { toolBlocks: 'text', toolOutputLimit: 1000, thinking: 'shown' };
const OPTIONS = { messageId: 'msg_1', model: 'm', knownUsage: null };

const call = (id: string, command: string): HarnessEvent => ({
  type: 'tool-call',
  id,
  name: 'Bash',
  server: 'agent',
  input: { command },
});
const result = (id: string, text: string, isError = false): HarnessEvent => ({
  type: 'tool-result',
  id,
  content: [{ type: 'text', text }],
  isError,
});
const said = (text: string, type: 'text-delta' | 'thinking-delta' = 'text-delta'): readonly HarnessEvent[] => [
  { type, id: text, text },
  { type: 'block-end', id: text },
];
const END: HarnessEvent = { type: 'turn-end', reason: 'end_turn' };
/** A keep-alive that a reader gets here, and others do not. */
const SILENCE = 'silence';

/** What a turn sends, event by event. */
function streamOf(turn: readonly (HarnessEvent | typeof SILENCE)[]): readonly StreamEvent[] {
  let state = initialState(OPTIONS);
  const sent: StreamEvent[] = [];
  for (const event of turn) {
    const [next, out] = event === SILENCE ? keepAlive(state) : translateEvent(state, event);
    state = next;
    sent.push(...out);
  }
  return [...sent, ...endOfEvents(state)[1]];
}

async function shown(stream: readonly StreamEvent[], more: Partial<Presentation> = {}) {
  const batches = stream.map((event) => [event]);
  const out = (await lastValueFrom(from(batches).pipe(applyPresentation({ ...AS_TEXT, ...more }), toArray()))).flat();
  expect(checkGrammar(out)).toEqual([]);
  return out;
}

async function texts(turn: readonly (HarnessEvent | typeof SILENCE)[], more: Partial<Presentation> = {}) {
  const collected = collect(await shown(streamOf(turn), more));
  if (!('message' in collected)) throw new Error('no message');
  return collected.message.content.map((block) => (block.type === 'text' ? block.text : block.type));
}

const LS = 'Bash(ls)\n```text\n⎿  a.txt\n```';

describe('inner tools as text', () => {
  it('are one block each, of the call and its result', async () => {
    expect(await texts([...said('Looking.'), call('1', 'ls'), result('1', 'a.txt'), ...said('One.'), END])).toEqual([
      'Looking.',
      LS,
      'One.',
    ]);
  });

  it('are shown as soon as they are called, as a complete line', async () => {
    const events = await shown(streamOf([call('1', 'ls'), result('1', 'a.txt'), END]));
    expect(events.slice(1, 5)).toMatchObject([
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Bash(ls)\n' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: '```text\n⎿  a.txt\n```' } },
      { type: 'content_block_stop', index: 0 },
    ]);
  });

  it('put a result that comes after the block is closed into a block that names the call', async () => {
    const turn = [call('1', 'ls'), call('2', 'pwd'), result('1', 'a.txt'), result('2', '/w', true), END];
    expect(await texts(turn)).toEqual([
      'Bash(ls)\n',
      'Bash(pwd)\n',
      'Result of Bash(ls)\n```text\n⎿  a.txt\n```',
      'Result of Bash(pwd)\n```text\n⎿  Error: /w\n```',
    ]);
  });

  it('put the result of the last call below it if it comes first', async () => {
    const turn = [call('1', 'ls'), call('2', 'pwd'), result('2', '/w'), result('1', 'a.txt'), END];
    expect(await texts(turn)).toEqual([
      'Bash(ls)\n',
      'Bash(pwd)\n```text\n⎿  /w\n```',
      'Result of Bash(ls)\n```text\n⎿  a.txt\n```',
    ]);
  });

  it.each([
    ['text', said('Meanwhile.'), 'Meanwhile.'],
    ['thinking', said('Hm.', 'thinking-delta'), 'thinking'],
  ])('make way for %s that comes while they run', async (_, between, block) => {
    expect(await texts([call('1', 'ls'), ...between, result('1', 'a.txt'), END])).toEqual([
      'Bash(ls)\n',
      block,
      'Result of Bash(ls)\n```text\n⎿  a.txt\n```',
    ]);
  });

  it.each(['none', 'omitted'] as const)('wait through thinking that is not shown (%s)', async (thinking) => {
    const turn = [call('1', 'ls'), ...said('Hm.', 'thinking-delta'), result('1', 'a.txt'), END];
    expect(await texts(turn, { thinking })).toEqual([LS]);
  });

  it('are closed when a call is for the caller', async () => {
    const ask: HarnessEvent = { type: 'caller-tool-call', id: 'toolu_1', name: 'ask', input: {} };
    expect(await texts([call('1', 'ls'), ask, { ...END, reason: 'tool_use' }])).toEqual(['Bash(ls)\n', 'tool_use']);
  });

  it.each<[string, HarnessEvent]>([
    ['interrupted', { type: 'turn-end', reason: 'interrupted' }],
    ['failed', { type: 'turn-failed', kind: 'internal', message: 'broken' }],
  ])('without a result are closed when the turn has %s', async (_, end) => {
    const events = await shown(streamOf([call('1', 'ls'), end]));
    expect(events[3]).toEqual({ type: 'content_block_stop', index: 0 });
  });

  it('show a result without a call, as after a crash, as a block', async () => {
    expect(await texts([result('1', 'a.txt'), END])).toEqual(['Result of a tool\n```text\n⎿  a.txt\n```']);
  });

  it.each(['shown', 'omitted', 'none'] as const)(
    'keep a connection alive in their own block while they run (thinking %s)',
    async (thinking) => {
      const turn = [call('1', 'ls'), SILENCE, SILENCE, result('1', 'a.txt'), ...said('One.'), END] as const;
      const events = await shown(streamOf(turn), { thinking });
      const empty = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: '' } };
      expect(events.slice(3, 5)).toEqual([empty, empty]);
      expect(await texts(turn, { thinking })).toEqual([LS, 'One.']);
    },
  );

  it.each<readonly [string, readonly (HarnessEvent | typeof SILENCE)[]]>([
    ['one call', [...said('A.'), call('1', 'ls'), SILENCE, result('1', 'a.txt'), ...said('B.'), END]],
    [
      'calls side by side',
      [call('1', 'ls'), SILENCE, call('2', 'pwd'), SILENCE, result('1', 'x'), SILENCE, result('2', 'y'), END],
    ],
    ['a long output', [call('1', 'seq'), result('1', '1\n'.repeat(5000)), END]],
    [
      'a dead attempt',
      [call('1', 'ls'), { type: 'attempt-start', attempt: 2 }, SILENCE, result('1', 'lost', true), ...said('C.'), END],
    ],
    ['thinking', [...said('Hm.', 'thinking-delta'), call('1', 'ls'), ...said('So.', 'thinking-delta'), END]],
  ])('are the same bytes for a reader of the stream and one of the stored message: %s', async (_, turn) => {
    const events = turn.filter((event) => event !== SILENCE);
    const stored = buildTurnMessage(OPTIONS, events);
    if (!('message' in stored)) throw new Error('no message');
    const late = collect(await shown(replayMessage(stored.message, OPTIONS.knownUsage)));
    expect(collect(await shown(streamOf(turn)))).toEqual(late);
    expect(collect(await shown(streamOf(events)))).toEqual(late);
  });

  it('do not change a text without tools', async () => {
    const stream = streamOf([...said('Hm.', 'thinking-delta'), SILENCE, ...said('One.'), END]);
    expect(await shown(stream)).toEqual(stream);
  });
});
