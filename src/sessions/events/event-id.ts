// An event id is made of the turn's sequence and of the place of a harness event in the turn's log, so that no table of
// events is needed and every reader of a thread sees the same ids:
//
//   sequence * 1_000_000_000 + 0 …                       execution_started and the lines that open the turn
//   sequence * 1_000_000_000 + (index + 1) * 16 + part    what one harness event came to
//   sequence * 1_000_000_000 + 900_000_000 + …            the same, made from the stored message once the log is pruned
//   sequence * 1_000_000_000 + 999_999_999                the terminal event, whichever way it was found
//
// The ids of a thread grow, and stay below 2^53 for nine million turns.

const PER_TURN = 1_000_000_000;
const PER_EVENT = 16;
const FROM_MESSAGE = 900_000_000;

/** Where a turn's events come from: its log, or its stored message when the log is pruned. */
export type EventSource = 'log' | 'message';

/** The id of the `part`-th event that opens a turn. */
export function openingId(sequence: number, part: number): number {
  return sequence * PER_TURN + Math.min(part, PER_EVENT - 1);
}

/** The id of the `part`-th session event of the turn's harness event with this index, from 0. */
export function toEventId(sequence: number, source: EventSource, index: number, part: number): number {
  const offset = (index + 1) * PER_EVENT + Math.min(part, PER_EVENT - 1);
  // Fifty-six million harness events fit; later events of a longer turn share one id.
  const inLog = Math.min(offset, FROM_MESSAGE - 1);
  return sequence * PER_TURN + (source === 'log' ? inLog : FROM_MESSAGE + Math.min(offset, FROM_MESSAGE / 10));
}

/** The id of a turn's terminal event. */
export function toTerminalId(sequence: number): number {
  return (sequence + 1) * PER_TURN - 1;
}

/** The sequence of the first turn with events after this id. */
export function findFirstSequenceAfter(id: number): number {
  return Math.floor((id + 1) / PER_TURN);
}

/** How many harness events of a turn's log a reader at this id has received. */
export function countDeliveredEvents(id: number, sequence: number): number {
  const offset = id - sequence * PER_TURN;
  return offset < PER_EVENT ? 0 : Math.floor(Math.min(offset, FROM_MESSAGE) / PER_EVENT);
}
