import { describe, expect, it } from 'vitest';
import { eventId, deliveredEvents, firstSequenceAfter, openingId, terminalId } from './event-id.js';

describe('the ids of session events', () => {
  it('grow through a turn and from turn to turn, and stay exact', () => {
    const ids = [
      openingId(1, 0),
      openingId(1, 4),
      eventId(1, 'log', 0, 0),
      eventId(1, 'log', 0, 2),
      eventId(1, 'log', 1, 0),
      eventId(1, 'log', 50_000_000, 0),
      eventId(1, 'log', 900_000_000, 0),
      eventId(1, 'message', 0, 0),
      eventId(1, 'message', 90_000_000, 3),
      terminalId(1),
      openingId(2, 0),
      terminalId(9_000_000),
    ];
    expect(ids.toSorted((one, other) => one - other)).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => Number.isSafeInteger(id))).toBe(true);
  });

  it('tell with which turn a reader goes on', () => {
    expect(firstSequenceAfter(0)).toBe(0);
    expect(firstSequenceAfter(openingId(3, 0))).toBe(3);
    expect(firstSequenceAfter(eventId(3, 'log', 7, 1))).toBe(3);
    expect(firstSequenceAfter(terminalId(3))).toBe(4);
  });

  it('tell how much of a turn’s log a reader has had', () => {
    expect(deliveredEvents(0, 1)).toBe(0);
    expect(deliveredEvents(openingId(2, 3), 2)).toBe(0);
    expect(deliveredEvents(eventId(2, 'log', 0, 0), 2)).toBe(1);
    expect(deliveredEvents(eventId(2, 'log', 41, 1), 2)).toBe(42);
    expect(deliveredEvents(terminalId(1), 2)).toBe(0);
  });
});
