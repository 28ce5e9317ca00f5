import { describe, expect, it } from 'vitest';
import { type ChainTurn, type HistoryMatch, matchHistory, type RequestChain } from './match-history.js';

const turnOf = (id: string, more: Partial<ChainTurn>): ChainTurn => ({
  id,
  sequence: 0,
  promptKey: id,
  isKnown: true,
  ...more,
});
/**
 * Turns by the keys of their messages: `a` the caller must know, `a?` it need not, as it failed or was not delivered, `.` has no key. `a+` is
 * a message that the turn before it heard while it ran.
 */
const turns = (text: string): readonly ChainTurn[] =>
  text
    .split(' ')
    .filter((word) => word !== '')
    .map((word, index) =>
      word === '.'
        ? turnOf('.', { sequence: index + 1, promptKey: undefined })
        : turnOf(word[0] ?? '', { sequence: index + 1, isKnown: word.length === 1, isFurther: word.endsWith('+') }),
    );

/** `continue`, `fork a` at the turn of `a`, `compacted`; `+1` is the first message that the agent lacks. */
function describeMatch(match: HistoryMatch): string {
  const rest = match.rest === undefined ? '' : ` +${match.rest}`;
  return `${match.kind}${match.kind === 'fork' ? ` ${match.from.id}` : ''}${rest}`;
}

const match = (messages: string, stored: string, more: Partial<RequestChain> = {}): string =>
  describeMatch(
    matchHistory(
      { promptKeys: messages.split(' ').filter(Boolean), isComplete: false, isCompacted: false, ...more },
      turns(stored),
    ),
  );

const ALL = { isComplete: true };
const COMPACTED = { isCompacted: true };

type Row = readonly [title: string, messages: string, stored: string, decision: string, more?: Partial<RequestChain>];

const ROWS: readonly Row[] = [
  ['1 only the newest message, of a caller that may send that', '', 'a b', 'continue'],
  ['2 the same messages as the turns', 'a b', 'a b', 'continue'],
  ['2 the same, with turns that failed and are not in it', 'a c', 'a b? c d?', 'continue'],
  ['2 the same, with turns that failed and are in it', 'a b c', 'a b? c', 'continue'],
  ['2 the same, before a turn that runs for another caller', 'a', 'a b?', 'continue'],
  ['2 the same, after those that seeded the thread', 'x y a b', 'a b', 'continue'],
  ['2 the same, between turns of the session API', 'a b', '. a . b .', 'continue'],
  ['2 the same as far as the turns have keys', 'a b c', '. . c', 'continue'],
  ['2 the same, all of them turns without keys', 'a b', '. .', 'continue'],
  ['2 the same, with a message that a turn heard while it ran', 'a m b', 'a m+ b', 'continue'],
  ['2 the same, without a message that a turn heard of another caller', 'a b', 'a m+ b', 'continue'],
  ['3 the first turns', 'a', 'a b c', 'fork b'],
  ['3 the first turn, without a message that it heard while it ran', 'a', 'a m+ b', 'fork b'],
  ['3 the first turns, before one that failed', 'a', 'a b? c', 'fork b'],
  ['3 the first turns, after those that seeded the thread', 'x a', 'a b', 'fork b'],
  ['3 the first turns, before one that runs', 'a', 'a b c?', 'fork b'],
  ['3 no message, of a caller that sends all', '', 'a b', 'fork a', ALL],
  ['3 no message of a caller that sends all, when the only turn was not delivered', '', 'a?', 'continue', ALL],
  ['3 the first turns, but all later ones have no key', 'a', 'a . .', 'continue'],
  ['4 all turns, and others', 'a b c d', 'a b', 'continue +2'],
  ['4 all turns, one of which failed, and others', 'a c d', 'a b? c', 'continue +2'],
  ['5 turns with a changed one among them', 'a x c', 'a b c', 'compacted'],
  ['5 turns with a changed one, before one that runs', 'a x c', 'a b c d?', 'compacted'],
  ['6 the first turns, and then another message', 'a x', 'a b', 'fork b +1'],
  ['6 the first turns, and then several others', 'a b x y', 'a b c d', 'fork c +2'],
  ['6 those that seeded the thread, a turn, and then another', 'x a y', 'a b', 'fork b +2'],
  ['6 the same, but the caller need not know the turn that differs', 'a x', 'a b?', 'continue +1'],
  ['5 the end of the turns: a window', 'c d', 'a b c d', 'compacted'],
  ['5 something else, and the last turn', 's d', 'a b c d', 'compacted'],
  ['7 nothing in common', 'x y', 'a b', 'fork a +0'],
  ['7 nothing in common with what the caller must know', 'x', 'a?', 'continue +0'],
  ['7 nothing in common with a thread without turns', 'x', '', 'continue +0'],
  ['8 none after the summary', '', 'a b', 'compacted', { ...ALL, ...COMPACTED }],
  ['8 the last turns', 'b c', 'a b c', 'compacted', COMPACTED],
  ['8 the last turn after another message', 'x c', 'a b c', 'compacted', COMPACTED],
  ['9 turns that are not the last', 'b', 'a b c d', 'fork c', COMPACTED],
  ['9 turns that are not the last, but the caller need not know those', 'b', 'a b c?', 'compacted', COMPACTED],
  ['10 a turn, and then another message', 'b x', 'a b c', 'fork c +1', COMPACTED],
  ['11 messages that are no turns', 'x', 'a b', 'compacted +0', COMPACTED],
  ['11 the last turn, and other messages', 'b x', 'a b', 'compacted +1', COMPACTED],
];

describe(matchHistory, () => {
  it.each(ROWS.map(([title, messages, stored, decision, more = {}]) => ({ title, messages, stored, decision, more })))(
    '$title',
    ({ messages, stored, decision, more }) => {
      expect(match(messages, stored, more)).toBe(decision);
    },
  );

  it('forks at the second of two turns with the same message', () => {
    const same = turns('a a');
    const decision = matchHistory({ promptKeys: ['a'], isComplete: true, isCompacted: false }, same);
    expect(decision).toEqual({ kind: 'fork', from: same[1] });
  });
});
