import { tmpdir } from 'node:os';
import { lastValueFrom, toArray } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { startProcess } from '../host/host.process.js';
import { Reaper } from '../host/reaper.js';
import type { ProcessLimits } from './process-limits.js';

const MARKER = 'CHIRON_PROCESS=limited';

describe('a program with limits', () => {
  const reaper = new Reaper('CHIRON_SERVER=limited', () => undefined);
  const warnings: string[] = [];
  const calls: string[] = [];

  afterEach(() => reaper.close());

  const start = (apply: ProcessLimits['apply']) =>
    startProcess({
      program: '/bin/sh',
      args: ['-c', 'echo began as $$'],
      workingDirectory: tmpdir(),
      environment: { CHIRON_PROCESS: 'limited' },
      marker: MARKER,
      reaper,
      limits: { commandPrefix: [], apply, members: async () => [], release: async () => void calls.push('released') },
      warn: (text) => void warnings.push(text),
    });

  it('begins once they are set, under the pid that they were set for, and never if they cannot be', async () => {
    let limited = 0;
    let countOutput = (): number => -1;
    const works = start(async (pid, readOutputBytes) => {
      limited = pid;
      countOutput = readOutputBytes;
      expect(readOutputBytes()).toBe(0);
    });
    const lines = (await lastValueFrom(works.lines$.pipe(toArray()))).flat();
    await works.exit;
    expect(lines).toEqual([`began as ${limited}`]);
    expect(countOutput()).toBe(lines.join('').length + 1);
    expect(calls).toEqual(['released']);

    const fails = start(() => Promise.reject(new Error('no group')));
    const said = (await lastValueFrom(fails.lines$.pipe(toArray()))).flat();
    expect(said).toEqual([]);
    expect((await fails.exit).signal).toBe('SIGKILL');
    expect(warnings).toEqual(['failed to limit a process, which is not started: no group']);
    expect(calls).toEqual(['released', 'released']);
  });
});
