import { describe, expect, it } from 'vitest';
import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { decodePiRecording, linesOf } from '../__fixtures__/recordings.js';
import { GO_ON, type PiPlan, planPiTurn } from './plan.js';
import { parsePiRecord, type PiRecord, toPiTurnMark } from './record.js';
import type { ReplayFacts } from './replay.js';

const FACTS: ReplayFacts = { further: [], toText: ({ id }) => `text of ${id}`, countedCalls: 0 };

/** The record of a session file, with a mark before each message of the user in `marked`, by the numbers of the messages. */
function recordOf(name: string, marks: readonly string[], more: readonly JsonObject[] = []): PiRecord {
  let users = 0;
  const lines = linesOf(name).flatMap((line) => {
    const isUser = JSON.stringify(line).includes('"role":"user"');
    const turn = isUser ? marks[users] : undefined;
    if (isUser) users += 1;
    return turn === undefined ? [line] : [markOf(turn), line];
  });
  return parse([...lines, ...more]);
}

const markOf = (turn: string): JsonObject => ({ type: 'session_info', id: `mark-${turn}`, name: toPiTurnMark(turn) });
const messageOf = (id: string, message: JsonObject): JsonObject => ({ type: 'message', id, message });
const user = (id: string, text: string) => messageOf(id, { role: 'user', content: [{ type: 'text', text }] });

function parse(lines: readonly JsonObject[], rest = ''): PiRecord {
  const record = parsePiRecord(Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join('') + rest));
  if (record === undefined) throw new Error('no record');
  return record;
}

const plan = (
  record: PiRecord,
  turn: { readonly id: string; readonly attempt?: number; readonly dropFrom?: string },
  facts = FACTS,
): PiPlan => planPiTurn(record, { attempt: 1, ...turn }, facts, 0);

/** What a plan keeps of a record, by the ids of the entries. */
const kept = (record: PiRecord, { keep }: { readonly keep: number }) =>
  record.entries.filter(({ start }) => start < keep).map(({ fields }) => fields['id']);

describe('a turn whose process was killed', () => {
  it('goes on after its tool, whose result is told with the ids of the events', () => {
    const record = recordOf('pi-1.6.0-session-kill9', ['one', 'two']);
    const found = plan(record, { id: 'two', attempt: 2 });
    if (found.kind !== 'go-on') throw new Error(found.kind);
    expect(found.events).toMatchObject([
      { type: 'model-call-start' },
      { type: 'text-delta', id: 'm1795869026401-0', text: 'Let me run it.' },
      { type: 'block-end', id: 'm1795869026401-0' },
      { type: 'model-call-end' },
      { type: 'tool-call', id: 'toolu_01scripted32x0', name: 'bash' },
      { type: 'tool-result', id: 'toolu_01scripted32x0', isError: false },
    ]);
    expect(found.change).toEqual({ keep: record.size, entries: [] });
    // What its process had told before it was killed.
    const [, told = []] = decodePiRecording('pi-1.6.0-kill9-part1');
    const idsOf = (events: readonly HarnessEvent[]) =>
      new Set(
        events.flatMap((event) => (event.type === 'block-end' || event.type === 'tool-result' ? [event.id] : [])),
      );
    expect(idsOf(found.events)).toEqual(idsOf(told));
  });

  it('does not count the calls of its model again that are in the log', () => {
    const record = recordOf('pi-1.6.0-session-kill9', ['one', 'two']);
    const found = plan(record, { id: 'two', attempt: 2 }, { ...FACTS, countedCalls: 1 });
    expect(JSON.stringify(found)).not.toContain('model-call');
  });

  it('gives a tool that was running an error as its result, and does not run it again', () => {
    const record = recordOf('pi-1.6.0-session-kill9-in-tool', ['one']);
    const found = plan(record, { id: 'one', attempt: 2 });
    if (found.kind !== 'go-on') throw new Error(found.kind);
    expect(found.events.at(-1)).toMatchObject({ type: 'tool-result', id: 'toolu_01scripted35x0', isError: true });
    expect(found.change).toMatchObject({
      keep: record.size,
      entries: [
        { type: 'message', parentId: '1dbb21e3', message: { role: 'toolResult', toolName: 'bash', isError: true } },
      ],
    });
  });

  it('begins anew if its model has said nothing yet, without its first prompt', () => {
    const record = recordOf('pi-1.6.0-session-two-turns', ['one', 'two'], [markOf('three'), user('u', 'third')]);
    const found = plan(record, { id: 'three', attempt: 2 });
    if (found.kind !== 'prompt') throw new Error(found.kind);
    expect(kept(record, found.change)).not.toContain('mark-three');
    expect(kept(record, found.change)).toContain('mark-two');
    expect(found.isUnknown).toBe(false);
  });

  it('is over if its model had ended it', () => {
    const record = recordOf('pi-1.6.0-session-two-turns', ['one', 'two']);
    const found = plan(record, { id: 'two', attempt: 2 });
    expect(found).toMatchObject({ kind: 'ended' });
    expect(found.kind === 'ended' ? found.events.at(-1) : undefined).toEqual({ type: 'turn-end', reason: 'end_turn' });
  });

  it('goes on if a message of the user came after its last answer, which is told as heard', () => {
    const record = recordOf('pi-1.6.0-session-two-turns', ['one', 'two'], [user('u', 'text of f1')]);
    const further = [
      { id: 'f1', prompt: [] },
      { id: 'f2', prompt: [] },
    ];
    const found = plan(record, { id: 'two', attempt: 2 }, { ...FACTS, further });
    if (found.kind !== 'go-on') throw new Error(found.kind);
    expect(found.events.at(-1)).toEqual({ type: 'user-message', id: 'f1' });
    expect([...found.heard]).toEqual(['f1']);
  });

  it('takes the request to go on for no message of the user', () => {
    const record = recordOf('pi-1.6.0-session-kill9', ['one', 'two'], [user('u', GO_ON)]);
    const found = plan(record, { id: 'two', attempt: 3 }, { ...FACTS, further: [{ id: 'f1', prompt: [] }] });
    expect(JSON.stringify(found)).not.toContain('user-message');
  });

  it('is unknown to a record that is older', () => {
    const record = recordOf('pi-1.6.0-session-two-turns', ['one', 'two']);
    expect(plan(record, { id: 'three', attempt: 2 })).toMatchObject({
      kind: 'prompt',
      isUnknown: true,
      change: { keep: record.size },
    });
  });
});

describe('a new turn', () => {
  it('leaves the record as it is', () => {
    const record = recordOf('pi-1.6.0-session-two-turns', ['one', 'two']);
    expect(plan(record, { id: 'three' })).toEqual({
      kind: 'prompt',
      change: { keep: record.size, entries: [] },
      refused: [],
      isUnknown: false,
    });
  });

  it('cuts off a line that a crash has cut', () => {
    const whole = linesOf('pi-1.6.0-session-two-turns');
    const record = parse(whole, '{"type":"message","id":"to');
    expect(plan(record, { id: 'three' })).toMatchObject({ change: { keep: parse(whole).size } });
  });

  it('drops a turn and all later ones', () => {
    const record = recordOf('pi-1.6.0-session-two-turns', ['one', 'two']);
    const found = plan(record, { id: 'three', dropFrom: 'two' });
    if (found.kind !== 'prompt') throw new Error(found.kind);
    expect(kept(record, found.change)).toContain('mark-one');
    expect(kept(record, found.change)).not.toContain('mark-two');
    const all = plan(record, { id: 'three', dropFrom: 'one' });
    expect(all.kind === 'prompt' ? kept(record, all.change) : []).not.toContain('mark-one');
  });

  it('takes out a turn whose content was refused, and says what was done in it', () => {
    const call = { type: 'toolCall', id: 'c', name: 'bash', arguments: { command: 'ls' } };
    const record = recordOf(
      'pi-1.6.0-session-two-turns',
      ['one', 'two'],
      [
        markOf('bad'),
        user('u', 'bad'),
        messageOf('a', { role: 'assistant', content: [call], stopReason: 'toolUse' }),
        messageOf('b', { role: 'assistant', content: [], stopReason: 'error', errorMessage: '400 no' }),
      ],
    );
    const found = plan(record, { id: 'three' });
    if (found.kind !== 'prompt') throw new Error(found.kind);
    expect(kept(record, found.change).at(-1)).not.toMatch(/mark-bad|^u$|^a$|^b$/);
    expect(found.refused).toMatchObject([{ name: 'bash', input: { command: 'ls' } }]);
  });

  it('keeps a turn whose model was overloaded', () => {
    const record = recordOf('pi-1.6.0-session-529', ['one']);
    expect(plan(record, { id: 'two' })).toMatchObject({ change: { keep: record.size }, refused: [] });
  });
});

it('takes nothing for a record that has no header', () => {
  expect(parsePiRecord(Buffer.from('no json\n{"type":"message"}\n'))).toBeUndefined();
});
