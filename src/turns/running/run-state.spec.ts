import { describe, expect, it } from 'vitest';
import {
  advanceRun,
  endAfterInterrupt,
  endBeforeAttempt,
  findOverrun,
  INITIAL_RUN_STATE,
  type RunEvent,
  type RunState,
} from './run-state.js';
import type { TurnEnd } from './turn-outcome.js';

const GRACE_MS = 10_000;
const DIED: TurnEnd = { type: 'turn-failed', kind: 'process_died', message: 'x' };
const ANSWERED: TurnEnd = { type: 'turn-end', reason: 'end_turn' };
const INTERRUPTED: TurnEnd = { type: 'turn-end', reason: 'interrupted' };

const request: RunEvent = { type: 'interrupt-requested', nowMs: 100 };
const delivered: RunEvent = { type: 'interrupt-delivered' };
const handedOff: RunEvent = { type: 'handed-off' };
const died: RunEvent = { type: 'attempt-ended', end: DIED };
const answered: RunEvent = { type: 'attempt-ended', end: ANSWERED };
const tick = (nowMs: number, overrun?: 'max-duration' | 'turn-timeout' | 'stall'): RunEvent => ({
  type: 'ticked',
  nowMs,
  overrun,
});

/** The state after these events. */
function after(...events: readonly RunEvent[]): RunState {
  return events.reduce<RunState>((state, event) => advanceRun(state, event)[0], INITIAL_RUN_STATE);
}

/** The actions on the last of these events. */
function actionsOf(...events: readonly RunEvent[]): readonly string[] {
  const last = events.at(-1);
  return last === undefined ? [] : advanceRun(after(...events.slice(0, -1)), last)[1];
}

describe('a running turn', () => {
  it('interrupts its harness when its caller interrupts it', () => {
    expect(after(request)).toEqual({ phase: 'interrupting', cause: 'caller', sinceMs: 100, isDelivered: false });
    expect(actionsOf(request)).toEqual(['interrupt-harness']);
  });

  it('interrupts its harness past its own limit', () => {
    expect(after(tick(5, 'max-duration'))).toMatchObject({ phase: 'interrupting', cause: 'max-duration', sinceMs: 5 });
    expect(actionsOf(tick(5, 'max-duration'))).toEqual(['interrupt-harness']);
  });

  it('logs a notice and interrupts its harness past the server’s limit', () => {
    expect(after(tick(5, 'turn-timeout'))).toMatchObject({ phase: 'interrupting', cause: 'turn-timeout' });
    expect(actionsOf(tick(5, 'turn-timeout'))).toEqual(['log-timeout-notice', 'interrupt-harness']);
  });

  it('stops a stalled harness, and records the stall', () => {
    expect(after(tick(5, 'stall'))).toEqual({ phase: 'running', resumptions: 0, hasStalled: true });
    expect(actionsOf(tick(5, 'stall'))).toEqual(['stop-harness']);
  });

  it('does nothing on a tick within its limits', () => {
    expect(after(tick(5))).toBe(INITIAL_RUN_STATE);
    expect(actionsOf(tick(5))).toEqual([]);
  });

  it('resumes twice after its harness has died, then ends', () => {
    expect([after(died), after(died, died), after(died, died, died)].map(({ phase }) => phase)).toEqual([
      'running',
      'running',
      'ended',
    ]);
  });

  it('resumes once after a stall; earlier deaths count', () => {
    expect(after(tick(5, 'stall'), died)).toMatchObject({ phase: 'running', resumptions: 1 });
    expect(after(tick(5, 'stall'), died, died).phase).toBe('ended');
    expect(after(died, tick(5, 'stall'), died).phase).toBe('ended');
  });

  it('ends when its harness ends for any other reason', () => {
    const failed: RunEvent = { type: 'attempt-ended', end: { ...DIED, kind: 'overloaded' } };
    for (const event of [answered, failed]) expect(after(event)).toEqual({ phase: 'ended', interruptedBy: undefined });
  });

  it('unsubscribes from its harness when it is handed off', () => {
    expect(after(handedOff)).toEqual({ phase: 'abandoned' });
    expect(actionsOf(handedOff)).toEqual(['unsubscribe']);
  });

  it('ignores the delivery of an interrupt that it did not request', () => {
    expect(after(delivered)).toBe(INITIAL_RUN_STATE);
  });
});

describe('an interrupted turn', () => {
  it('keeps the cause and the time of its first interrupt', () => {
    expect(after(request, { ...request, nowMs: 900 }, tick(950, 'max-duration'))).toEqual(after(request));
    expect(actionsOf(request, { ...request, nowMs: 900 })).toEqual([]);
  });

  it('retries the interrupt on every tick until a process has received it', () => {
    expect(actionsOf(request, tick(200))).toEqual(['interrupt-harness']);
    expect(actionsOf(request, delivered, tick(200))).toEqual([]);
  });

  it('stops a harness that does not end within the grace period', () => {
    expect(actionsOf(request, delivered, tick(100 + GRACE_MS))).toEqual([]);
    expect(actionsOf(request, delivered, tick(101 + GRACE_MS))).toEqual(['stop-harness']);
    expect(actionsOf(request, tick(101 + GRACE_MS))).toEqual(['interrupt-harness', 'stop-harness']);
  });

  it('does not resume, and keeps the cause of its interrupt', () => {
    expect(after(request, died)).toEqual({ phase: 'ended', interruptedBy: 'caller' });
    expect(after(tick(5, 'max-duration'), answered)).toEqual({ phase: 'ended', interruptedBy: 'max-duration' });
  });

  it('can still be handed off', () => {
    expect(after(request, handedOff)).toEqual({ phase: 'abandoned' });
    expect(actionsOf(request, handedOff)).toEqual(['unsubscribe']);
  });
});

describe('a turn that was handed off or has ended', () => {
  it.each<readonly [string, readonly RunEvent[]]>([
    ['abandoned', [handedOff]],
    ['ended', [answered]],
  ])('ignores all events (%s)', (phase, before) => {
    for (const event of [request, delivered, tick(5), tick(1e9, 'max-duration'), tick(5, 'stall'), died, handedOff]) {
      expect(after(...before, event)).toEqual(after(...before));
      expect(actionsOf(...before, event)).toEqual([]);
    }
    expect(after(...before).phase).toBe(phase);
  });
});

describe(findOverrun.name, () => {
  const limits = { maxDurationMs: 100, turnTimeoutMs: 200, harnessStallMs: 50 };

  it('finds no overrun at exactly the limit', () => {
    expect(findOverrun({ elapsedMs: 100, silentMs: 50 }, limits)).toBe(undefined);
  });

  it('prefers the turn’s own limit to the server’s, and that to a stall', () => {
    expect(findOverrun({ elapsedMs: 201, silentMs: 51 }, limits)).toBe('max-duration');
    expect(findOverrun({ elapsedMs: 201, silentMs: 51 }, { ...limits, maxDurationMs: undefined })).toBe('turn-timeout');
    expect(findOverrun({ elapsedMs: 99, silentMs: 51 }, limits)).toBe('stall');
  });

  it('allows any silence while a tool runs', () => {
    expect(findOverrun({ elapsedMs: 99, silentMs: undefined }, limits)).toBe(undefined);
  });
});

describe(endBeforeAttempt.name, () => {
  it('allows twenty attempts', () => {
    expect(endBeforeAttempt(INITIAL_RUN_STATE, 20)).toBe(undefined);
    expect(endBeforeAttempt(INITIAL_RUN_STATE, 21)).toMatchObject({ type: 'turn-failed', kind: 'internal' });
  });

  it('ends an interrupted turn without another attempt', () => {
    expect(endBeforeAttempt(after(request), 1)).toEqual(INTERRUPTED);
  });
});

describe(endAfterInterrupt.name, () => {
  it('keeps the end of a turn that was not interrupted', () => {
    expect(endAfterInterrupt(DIED, undefined, 100)).toBe(DIED);
  });

  it('keeps the end of a turn that completed before its harness processed the interrupt', () => {
    expect(endAfterInterrupt(ANSWERED, 'max-duration', 100)).toBe(ANSWERED);
  });

  it('is interrupted when the harness was killed or reports a failure', () => {
    for (const cause of ['caller', 'turn-timeout'] as const)
      expect(endAfterInterrupt(DIED, cause, undefined)).toEqual(INTERRUPTED);
  });

  it('is a failure past the turn’s own limit', () => {
    expect(endAfterInterrupt(INTERRUPTED, 'max-duration', 100)).toEqual({
      type: 'turn-failed',
      kind: 'timeout',
      message: 'execution exceeded max_duration_ms=100',
    });
  });
});
