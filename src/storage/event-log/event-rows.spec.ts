import { expect, it } from 'vitest';
import { assembleLog, parseEventRow, unreadEvents } from './event-rows.js';

const known = { type: 'block-end', id: 'a' } as const;
const unknown = { type: 'from-the-future', id: 'a' };
const hasOwnName = { type: 'toString' };

function parse(firstIndex: number, events: readonly object[], kinds: string[] = []) {
  const row = { sequence: 1, attempt: 1, first_index: firstIndex, events: JSON.stringify(events) };
  return parseEventRow(row, (kind) => kinds.push(kind));
}

it('replaces an event of an unknown kind with an empty placeholder, and reports the kind', () => {
  const kinds: string[] = [];
  const { events } = parse(0, [known, unknown, hasOwnName, known], kinds);
  expect(events.map(({ type }) => type)).toEqual(['block-end', 'notice', 'notice', 'block-end']);
  expect(kinds).toEqual(['from-the-future', 'toString']);
});

it('keeps the index of all other events, for a log of several rows and for a reader within a row', () => {
  const rows = [parse(0, [unknown, known]), parse(2, [unknown, known])];
  expect(assembleLog(rows).events).toHaveLength(4);
  expect(assembleLog(rows).events[3]).toEqual(known);
  expect(unreadEvents(parse(0, [known, unknown, known]), 2)).toEqual([known]);
});
