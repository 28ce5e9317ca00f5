import { describe, expect, it } from 'vitest';
import {
  selectProcessTree,
  toIdentity,
  listProcesses,
  parsePs,
  parseStat,
  type ProcessEntry,
} from './process-table.js';

function entry(pid: number, parent: number, more: Partial<ProcessEntry> = {}): ProcessEntry {
  return { pid, parent, group: 1, session: 1, started: '5', cpuTicks: 0, marked: false, ...more };
}

const pids = (entries: readonly ProcessEntry[]) => entries.map((each) => each.pid);

describe('processTree', () => {
  it('has the group, the session, the marked ones and the descendants of them all, and no others', () => {
    const table = [
      entry(1, 0),
      entry(50, 1),
      entry(100, 50, { group: 100, session: 100 }),
      entry(101, 1, { group: 100, session: 100 }),
      entry(102, 1, { group: 102, session: 100 }),
      entry(104, 103, { group: 104, session: 104 }),
      entry(103, 1, { group: 103, session: 103, marked: true }),
      entry(105, 104, { group: 105, session: 105 }),
      entry(106, 50, { group: 106, session: 106 }),
    ];
    expect(pids(selectProcessTree(table, 100))).toEqual([100, 101, 102, 104, 103, 105]);
  });

  it('has those known from before, but not another process with the same pid', () => {
    const known = new Set([toIdentity(entry(200, 1)), toIdentity(entry(201, 1))]);
    expect(
      pids(selectProcessTree([entry(200, 1), entry(201, 1, { started: '9' }), entry(202, 200)], 100, known)),
    ).toEqual([200, 202]);
  });
});

describe('processTree of a pid that is not a program', () => {
  it.each([0, 1, -1])('is refused, as it would be everybody (%i)', (leader) => {
    expect(() => selectProcessTree([entry(1, 0), entry(2, 1)], leader)).toThrow(RangeError);
  });
});

describe('parseStat', () => {
  const rest = '0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 2';

  it('reads a name with spaces and parentheses', () => {
    expect(parseStat(`42 (a ) R 9 (b) S 7 8 9 ${rest}`)).toEqual({
      pid: 42,
      parent: 7,
      group: 8,
      session: 9,
      started: '98765',
      cpuTicks: 5 + 6 + 7 + 8,
    });
  });

  it('leaves out zombies and what is no such line', () => {
    expect(parseStat(`42 (sh) Z 7 8 9 ${rest}`)).toBeUndefined();
    expect(parseStat('')).toBeUndefined();
  });
});

describe('parsePs', () => {
  it('reads what ps of macOS prints, without the zombies', () => {
    const text = [
      '    1     0     1 Ss   Mon Nov 17 09:00:00 2025    ',
      '  812     1   812 Z    Mon Nov 17 09:00:01 2025    ',
      '99812   812   812 S+   Tue Nov 18 10:11:12 2025    ',
      '',
    ].join('\n');
    expect(parsePs(text)).toEqual([
      entry(1, 0, { session: 0, started: 'Mon Nov 17 09:00:00 2025' }),
      entry(99812, 812, { group: 812, session: 0, started: 'Tue Nov 18 10:11:12 2025' }),
    ]);
  });
});

describe('listProcesses', () => {
  it('has this process with its parent', async () => {
    const table = await listProcesses('CHIRON_NOBODY=has-this');
    expect(table.find((each) => each.pid === process.pid)).toMatchObject({ parent: process.ppid, marked: false });
  });
});
