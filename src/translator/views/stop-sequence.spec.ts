import { from, lastValueFrom, Subject, toArray } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { checkGrammar } from '../../../test/support/stream-grammar.js';
import { collect } from '../collect.js';
import { applyStopSequences } from './stop-sequence.js';
import type { StreamEvent } from '../../anthropic/stream-event.js';
import { NO_TOKENS, toTurnUsage } from '../../anthropic/usage.js';
import {
  blockDelta,
  blockEnd,
  blockStart,
  messageEnd,
  messageStart,
  completeBlockEvents,
} from '../../anthropic/stream-parts.js';

const usage = toTurnUsage({ ...NO_TOKENS, outputTokens: 9 }, []);
const end = messageEnd({ reason: 'end_turn', sequence: null, details: null }, usage);
const begin = messageStart('msg_1', 'm', usage);

/** A message of texts, each one block of these pieces. */
const says = (...texts: readonly (readonly string[])[]): readonly StreamEvent[] => [
  begin,
  ...texts.flatMap((pieces, index) => [
    blockStart('text', index),
    ...pieces.map((piece) => blockDelta('text', index, piece)),
    ...blockEnd('text', index, ''),
  ]),
  ...end,
];

async function read(sequences: readonly string[], events: readonly StreamEvent[], found = vi.fn()) {
  const batches = events.map((event) => [event]);
  const out = (await lastValueFrom(from(batches).pipe(applyStopSequences(sequences, found), toArray()))).flat();
  expect(checkGrammar(out)).toEqual([]);
  const collected = collect(out);
  if (!('message' in collected)) throw new Error('the message has no end');
  const { content, stop_reason, stop_sequence } = collected.message;
  return {
    texts: content.map((block) => (block.type === 'text' ? block.text : block.type)),
    stop: [stop_reason, stop_sequence],
    calls: found.mock.calls.length,
    events: out,
  };
}

describe('stop sequences', () => {
  it('end the answer before the sequence and name it', async () => {
    const { texts, stop, calls } = await read(['STOP'], says(['one two STOP three'], ['four']));
    expect(texts).toEqual(['one two ']);
    expect(stop).toEqual(['stop_sequence', 'STOP']);
    expect(calls).toBe(1);
  });

  it.each<[readonly string[]]>([
    [['ab', 'cST', 'OPde']],
    [['a', 'b', 'c', 'S', 'T', 'O', 'P', 'd', 'e']],
    [['abcS', 'S', 'TOP']],
  ])('are found in whatever pieces they come: %j', async (pieces) => {
    const { texts, stop } = await read(['STOP'], says(pieces));
    expect(texts).toEqual([pieces.join('').replace(/STOP.*/, '')]);
    expect(stop).toEqual(['stop_sequence', 'STOP']);
  });

  it('stop at the first of several', async () => {
    const { texts, stop } = await read(['three', 'two', 'w'], says(['one two three']));
    expect([texts, stop]).toEqual([['one t'], ['stop_sequence', 'w']]);
  });

  it('that do not occur change nothing', async () => {
    const { texts, stop, calls } = await read(['STOP'], says(['ST', 'O', 'ST'], ['OP']));
    expect([texts, stop, calls]).toEqual([['STOST', 'OP'], ['end_turn', null], 0]);
  });

  it('hold back only text that may start a sequence', async () => {
    const source$ = new Subject<readonly StreamEvent[]>();
    const out: StreamEvent[] = [];
    source$.pipe(applyStopSequences(['STOP'], vi.fn())).subscribe((events) => out.push(...events));
    const spoken = (): string => JSON.stringify(out.slice(2));
    source$.next([begin, blockStart('text', 0)]);
    source$.next([blockDelta('text', 0, 'all of it')]);
    expect(spoken()).toContain('all of it');
    source$.next([blockDelta('text', 0, ' but ST')]);
    expect(spoken()).toContain('" but "');
    source$.next([blockDelta('text', 0, '')]);
    source$.next([blockDelta('text', 0, 'AND')]);
    expect(spoken()).toContain('"STAND"');
  });

  it('do not match in thinking or tools', async () => {
    const thinking = { type: 'thinking', thinking: 'STOP', signature: '' } as const;
    const call = {
      type: 'mcp_tool_use',
      id: 'mcptoolu_1',
      name: 'STOP',
      server_name: 'a',
      input: { a: 'STOP' },
    } as const;
    const { stop } = await read(
      ['STOP'],
      [begin, ...completeBlockEvents(0, thinking), ...completeBlockEvents(1, call), ...end],
    );
    expect(stop).toEqual(['end_turn', null]);
  });

  it('pass later pings and failures', async () => {
    const error: StreamEvent = { type: 'error', error: { type: 'api_error', message: 'broken' } };
    const events = [...says(['STOP']).slice(0, 3), { type: 'ping' } as const, error];
    const out = await lastValueFrom(from([events]).pipe(applyStopSequences(['STOP'], vi.fn())));
    expect(out.map(({ type }) => type)).toEqual([
      'message_start',
      'content_block_start',
      'content_block_stop',
      'ping',
      'error',
    ]);
  });
});
