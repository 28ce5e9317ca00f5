import { beforeEach, describe, expect, it } from 'vitest';
import { RefusalLog } from './refusal-log.js';

describe(RefusalLog.name, () => {
  let now: number;
  let reports: string[];
  let log: RefusalLog;

  beforeEach(() => {
    now = 0;
    reports = [];
    log = new RefusalLog(
      (threadId, what) => void reports.push(`${threadId} ${what}`),
      () => now,
    );
  });

  it('reports each host of each thread once a minute, with the number of those between', () => {
    for (const thread of ['t1', 't1', 't2', 't1']) log.add(thread, 'a:80', 'a is refused');
    log.add('t1', 'b:80', 'b is refused');
    expect(reports).toEqual(['t1 a is refused', 't2 a is refused', 't1 b is refused']);
    now = 60_000;
    log.add('t1', 'a:80', 'a is refused');
    expect(reports.at(-1)).toBe('t1 a is refused (and 2 times before this one)');
  });

  it('reports a thread that asks for ever new hosts no more than 31 times a minute', () => {
    for (let host = 0; host < 10_000; host += 1) log.add('t1', `${host}:80`, `${host} is refused`);
    expect(reports).toHaveLength(31);
    expect(reports.at(-1)).toBe('t1 Chiron refuses many different hosts');
    now = 60_000;
    log.add('t1', 'new:80', 'new is refused');
    expect(reports.at(-1)).toBe('t1 new is refused');
  });

  it('forgets threads that were refused long ago before it needs more memory', () => {
    for (let thread = 0; thread < 5000; thread += 1) log.add(`t${thread}`, 'a:80', 'a is refused');
    log.add('t4999', 'a:80', 'a is refused');
    expect(reports).toHaveLength(5000);
    log.add('t0', 'a:80', 'a is refused');
    expect(reports).toHaveLength(5001);
  });
});
