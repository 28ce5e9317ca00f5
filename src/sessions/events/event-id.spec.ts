import { describe, expect, it } from 'vitest';
import { toEventId, countDeliveredEvents, findFirstSequenceAfter, openingId, toTerminalId } from './event-id.js';

describe('the ids of session events', () => {
  it('grow through a turn and from turn to turn, and stay exact', () => {
    const ids = [
      openingId(1, 0),
      openingId(1, 4),
      toEventId(1, 'log', 0, 0),
      toEventId(1, 'log', 0, 2),
      toEventId(1, 'log', 1, 0),
      toEventId(1, 'log', 50_000_000, 0),
      toEventId(1, 'log', 900_000_000, 0),
      toEventId(1, 'message', 0, 0),
      toEventId(1, 'message', 90_000_000, 3),
      toTerminalId(1),
      openingId(2, 0),
      toTerminalId(9_000_000),
    ];
    expect(ids.toSorted((one, other) => one - other)).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => Number.isSafeInteger(id))).toBe(true);
  });

  it('give the turn with which a reader continues', () => {
    expect(findFirstSequenceAfter(0)).toBe(0);
    expect(findFirstSequenceAfter(openingId(3, 0))).toBe(3);
    expect(findFirstSequenceAfter(toEventId(3, 'log', 7, 1))).toBe(3);
    expect(findFirstSequenceAfter(toTerminalId(3))).toBe(4);
  });

  it('tell how much of a turn’s log a reader has had', () => {
    expect(countDeliveredEvents(0, 1)).toBe(0);
    expect(countDeliveredEvents(openingId(2, 3), 2)).toBe(0);
    expect(countDeliveredEvents(toEventId(2, 'log', 0, 0), 2)).toBe(1);
    expect(countDeliveredEvents(toEventId(2, 'log', 41, 1), 2)).toBe(42);
    expect(countDeliveredEvents(toTerminalId(1), 2)).toBe(0);
  });
});
