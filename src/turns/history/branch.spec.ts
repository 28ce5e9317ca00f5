import { describe, expect, it } from 'vitest';
import { aThread, aTurn } from '../../../test/support/stored.js';
import type { TurnSummary } from '../../storage/stores/turn.js';
import {
  countEarlierTurns,
  findPendingCut,
  findRoot,
  readCut,
  toBranchKey,
  toBranchMetadata,
  withCut,
} from './branch.js';

const ID = '0123abcd-0000-4000-8000-000000000000';
const CUT = { turnId: 't', lastSequence: 5, skipped: 3 };
const cutThread = aThread({ metadata: withCut({ fresh: true }, CUT) });
const turn = (sequence: number, state: TurnSummary['state']): TurnSummary => ({
  ...aTurn({ sequence, state }),
  hasMessage: true,
});

describe(toBranchKey, () => {
  it('is that of the thread with the beginning of the id', () => {
    expect(toBranchKey('slack:C1', ID)).toBe('slack:C1~0123abcd');
  });

  it.each(['x', 'ä', '😀'])('is as short as a key has to be, for a key of many %s', (character) => {
    const key = toBranchKey(`a:${character.repeat(510 / Buffer.byteLength(character))}`, ID);
    expect(Buffer.byteLength(key)).toBeLessThanOrEqual(512);
    expect(Buffer.byteLength(key)).toBeGreaterThan(507);
    expect(key).toMatch(/^a:[xä😀]+~0123abcd$/u);
  });
});

describe('a thread that was forked', () => {
  it('keeps its other metadata, and is no branch', () => {
    expect(cutThread.metadata['fresh']).toBe(true);
    expect(readCut(cutThread)).toEqual(CUT);
    expect(findRoot(cutThread)).toBeUndefined();
  });

  it('does not count the turns that went', () => {
    expect([1, 2, 6, 7].map((sequence) => countEarlierTurns(cutThread, sequence))).toEqual([0, 1, 2, 3]);
    expect(countEarlierTurns(aThread(), 3)).toBe(2);
  });

  it('has the cut pending until a later turn has completed', () => {
    expect(findPendingCut(cutThread, [turn(2, 'completed'), turn(1, 'completed')])).toBe('t');
    expect(findPendingCut(cutThread, [turn(6, 'failed'), turn(2, 'completed')])).toBe('t');
    expect(findPendingCut(cutThread, [turn(7, 'running'), turn(6, 'completed')])).toBeUndefined();
    expect(findPendingCut(aThread(), [])).toBeUndefined();
  });

  it.each([{}, { cut: 'here' }, { cut: { turnId: 't', lastSequence: '5', skipped: 3 } }])(
    'is not told by other metadata: %j',
    (metadata) => {
      expect(readCut({ metadata })).toBeUndefined();
    },
  );
});

describe('a branch', () => {
  it('names the thread whose key callers use, also as a branch of a branch', () => {
    const first = { id: 'b1', metadata: toBranchMetadata({ id: 'root', metadata: { fresh: true } }, 't1') };
    expect(first.metadata).toEqual({ fresh: true, branch: { of: 'root', from: 'root', turnId: 't1' } });
    const second = { metadata: toBranchMetadata(first, 't2') };
    expect(findRoot(first)).toBe('root');
    expect(findRoot(second)).toBe('root');
    expect(second.metadata).toMatchObject({ branch: { from: 'b1' } });
  });
});
