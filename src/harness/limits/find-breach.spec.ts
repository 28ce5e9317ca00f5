import { describe, expect, it } from 'vitest';
import { describeMemoryBreach, findBreach, type TurnLimits, type TurnUsage } from './find-breach.js';

const MB = 1_000_000;
const LIMITS: TurnLimits = { outputBytes: 1000 * MB, cpuMs: 60_000, diskBytes: 500 * MB };
const NO_LIMITS: TurnLimits = { outputBytes: 0, cpuMs: 0, diskBytes: 0 };

const used = (more: Partial<TurnUsage>): TurnUsage => ({ outputBytes: 0, cpuMs: 0, ...more });
const disk = (bytesAtStart: number, bytes: number): TurnUsage => used({ disk: { bytes, bytesAtStart } });

describe('a turn', () => {
  it.each([
    [
      used({ outputBytes: 1000 * MB + 1 }),
      'The agent was stopped: it wrote more than 1000 MB of output (CHIRON_TURN_OUTPUT_MB).',
    ],
    [
      used({ cpuMs: 60_001 }),
      'The agent was stopped: it used more than 60 s of processor time (CHIRON_TURN_CPU_SECONDS).',
    ],
    [disk(0, 501 * MB), 'The agent was stopped: its files take more than 500 MB on the disk (CHIRON_THREAD_DISK_MB).'],
  ])('above a limit is told which one, and the setting (%#)', (usage, message) => {
    expect(findBreach(usage, LIMITS)).toBe(message);
    expect(findBreach(usage, NO_LIMITS)).toBeUndefined();
  });

  it('may use exactly as much as its limits', () => {
    const usage = { outputBytes: 1000 * MB, cpuMs: 60_000, disk: { bytes: 500 * MB, bytesAtStart: 0 } };
    expect(findBreach(usage, LIMITS)).toBeUndefined();
  });

  it('whose thread was above the disk limit before may clean up, and keep a record of that, but not grow', () => {
    expect(findBreach(disk(600 * MB, 650 * MB), LIMITS)).toBeUndefined();
    expect(findBreach(disk(600 * MB, 651 * MB), LIMITS)).toContain('CHIRON_THREAD_DISK_MB');
  });

  it('that lost a process to the memory limit is told so', () => {
    expect(describeMemoryBreach(600 * MB)).toBe(
      'The agent was stopped: it used more than 600 MB of memory (CHIRON_THREAD_MEMORY_MB).',
    );
  });
});
