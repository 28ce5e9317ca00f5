import { durationExceeded } from './max-duration.js';
import type { TurnEnd } from './turn-outcome.js';

/** How often the process of one turn may die and be resumed by this server. */
const MAX_RESUMPTIONS = 2;
/** The same once the process has hung: a resumed one often hangs again, and each time takes a full stall limit. */
const MAX_RESUMPTIONS_AFTER_STALL = 1;
/** How often a turn is tried in all, by whatever server: one that brings the server down must not do so for ever. */
const MAX_ATTEMPTS = 20;
/** How long an interrupted harness may take to end its turn before it is killed, in milliseconds. */
const INTERRUPT_GRACE_MS = 10_000;

/** Why a turn is being interrupted. */
export type InterruptCause = 'caller' | 'turn-timeout' | 'max-duration';

/** The harness works, or is being started or resumed. */
interface Running {
  readonly phase: 'running';
  /** How often the harness has died and been resumed by this server. */
  readonly resumptions: number;
  /** Whether it was killed for its silence. */
  readonly hasStalled: boolean;
}

/** The harness is to end the turn; it is killed after a grace period. */
interface Interrupting {
  readonly phase: 'interrupting';
  readonly cause: InterruptCause;
  readonly sinceMs: number;
  /** Whether a process has received the interrupt; the turn may be interrupted while its process is still starting. */
  readonly isDelivered: boolean;
}

/** The next server, or the process that owns the log now, continues the turn. */
interface Abandoned {
  readonly phase: 'abandoned';
}

/** The last attempt is over; its end is being stored, or is stored. */
interface Ended {
  readonly phase: 'ended';
  /** Set when the turn was interrupted before it ended. */
  readonly interruptedBy: InterruptCause | undefined;
}

/** Where the run of a claimed turn is in its life. Immutable. */
export type RunState = Running | Interrupting | Abandoned | Ended;

/** What happens to a run. Times are of `performance.now()`. */
export type RunEvent =
  | { readonly type: 'interrupt-requested'; readonly nowMs: number }
  | { readonly type: 'interrupt-delivered' }
  | { readonly type: 'ticked'; readonly nowMs: number; readonly overrun: Overrun | undefined }
  | { readonly type: 'attempt-ended'; readonly end: TurnEnd }
  | { readonly type: 'handed-off' };

/** A limit that a running turn has exceeded. */
export type Overrun = 'max-duration' | 'turn-timeout' | 'stall';

/** What the run does to its harness, or to its log, on an event. */
export type RunAction = 'interrupt-harness' | 'stop-harness' | 'log-timeout-notice' | 'unsubscribe';

/** The next state, and what to do, in this order. */
export type RunStep = readonly [RunState, readonly RunAction[]];

/** How long a run, and the silence of its harness, has lasted, in milliseconds. */
export interface RunTimes {
  readonly elapsedMs: number;
  /** `undefined` while a tool runs, which may be silent for as long as it takes. */
  readonly silentMs: number | undefined;
}

/** How long a turn may take, in milliseconds. */
export interface RunLimits {
  /** The turn's own limit; past it the turn fails. */
  readonly maxDurationMs: number | undefined;
  /** The server's limit; past it the turn is interrupted. */
  readonly turnTimeoutMs: number;
  /** Longest silence of a harness that runs no tool. */
  readonly harnessStallMs: number;
}

const NO_ACTIONS: readonly RunAction[] = [];

/** The state of a turn that has just been claimed, or is about to be. */
export const INITIAL_RUN_STATE: RunState = { phase: 'running', resumptions: 0, hasStalled: false };

/**
 * The life of a run: from its claim to the end of its last attempt. A dash changes nothing.
 *
 * | event                         | running                                                 | interrupting                               | abandoned | ended |
 * | ----------------------------- | ------------------------------------------------------- | ------------------------------------------ | --------- | ----- |
 * | `interrupt-requested`         | interrupt the harness → interrupting (`caller`)         | –                                          | –         | –     |
 * | `interrupt-delivered`         | –                                                       | → delivered                                | –         | –     |
 * | `ticked`, over `max-duration` | interrupt → interrupting (`max-duration`)               | as without an overrun                      | –         | –     |
 * | `ticked`, over `turn-timeout` | log a notice, interrupt → interrupting (`turn-timeout`) | as without an overrun                      | –         | –     |
 * | `ticked`, over `stall`        | stop the harness → running, stalled                     | as without an overrun                      | –         | –     |
 * | `ticked`, no overrun          | –                                                       | not delivered: interrupt; past grace: stop | –         | –     |
 * | `attempt-ended`, harness died | resumptions left: → running, one more; else → ended     | → ended                                    | –         | –     |
 * | `attempt-ended`, otherwise    | → ended                                                 | → ended                                    | –         | –     |
 * | `handed-off`                  | unsubscribe → abandoned                                 | unsubscribe → abandoned                    | –         | –     |
 *
 * `abandoned` and `ended` are final. An interrupted turn never resumes, whatever became of its harness.
 */
export function advanceRun(state: RunState, event: RunEvent): RunStep {
  switch (state.phase) {
    case 'running':
      return advanceRunning(state, event);
    case 'interrupting':
      return advanceInterrupting(state, event);
    case 'abandoned':
    case 'ended':
      return [state, NO_ACTIONS];
    default:
      return state satisfies never;
  }
}

function advanceRunning(state: Running, event: RunEvent): RunStep {
  switch (event.type) {
    case 'interrupt-requested':
      return [interrupting('caller', event.nowMs), ['interrupt-harness']];
    case 'interrupt-delivered':
      return [state, NO_ACTIONS];
    case 'ticked':
      return advanceOnOverrun(state, event.overrun, event.nowMs);
    case 'attempt-ended':
      return canResume(state, event.end)
        ? [{ ...state, resumptions: state.resumptions + 1 }, NO_ACTIONS]
        : [{ phase: 'ended', interruptedBy: undefined }, NO_ACTIONS];
    case 'handed-off':
      return [{ phase: 'abandoned' }, ['unsubscribe']];
    default:
      return event satisfies never;
  }
}

function advanceOnOverrun(state: Running, overrun: Overrun | undefined, nowMs: number): RunStep {
  switch (overrun) {
    case undefined:
      return [state, NO_ACTIONS];
    case 'max-duration':
      return [interrupting(overrun, nowMs), ['interrupt-harness']];
    case 'turn-timeout':
      return [interrupting(overrun, nowMs), ['log-timeout-notice', 'interrupt-harness']];
    case 'stall':
      return [{ ...state, hasStalled: true }, ['stop-harness']];
    default:
      return overrun satisfies never;
  }
}

function advanceInterrupting(state: Interrupting, event: RunEvent): RunStep {
  switch (event.type) {
    case 'interrupt-requested':
      return [state, NO_ACTIONS];
    case 'interrupt-delivered':
      return [{ ...state, isDelivered: true }, NO_ACTIONS];
    case 'ticked': {
      const isOverGrace = event.nowMs - state.sinceMs > INTERRUPT_GRACE_MS;
      const retries: readonly RunAction[] = state.isDelivered ? NO_ACTIONS : ['interrupt-harness'];
      return [state, isOverGrace ? [...retries, 'stop-harness'] : retries];
    }
    case 'attempt-ended':
      return [{ phase: 'ended', interruptedBy: state.cause }, NO_ACTIONS];
    case 'handed-off':
      return [{ phase: 'abandoned' }, ['unsubscribe']];
    default:
      return event satisfies never;
  }
}

function interrupting(cause: InterruptCause, sinceMs: number): Interrupting {
  return { phase: 'interrupting', cause, sinceMs, isDelivered: false };
}

function canResume({ resumptions, hasStalled }: Running, end: TurnEnd): boolean {
  const limit = hasStalled ? MAX_RESUMPTIONS_AFTER_STALL : MAX_RESUMPTIONS;
  return end.type === 'turn-failed' && end.kind === 'process_died' && resumptions < limit;
}

/** The limit that a turn has exceeded; the turn's own one counts before the server's. */
export function findOverrun({ elapsedMs, silentMs }: RunTimes, limits: RunLimits): Overrun | undefined {
  if (limits.maxDurationMs !== undefined && elapsedMs > limits.maxDurationMs) return 'max-duration';
  if (elapsedMs > limits.turnTimeoutMs) return 'turn-timeout';
  return silentMs !== undefined && silentMs > limits.harnessStallMs ? 'stall' : undefined;
}

/** The end of a turn whose next attempt is not to begin: it was interrupted before, or has been tried too often. */
export function endBeforeAttempt(state: RunState, attempt: number): TurnEnd | undefined {
  if (state.phase === 'interrupting') return { type: 'turn-end', reason: 'interrupted' };
  if (attempt <= MAX_ATTEMPTS) return undefined;
  return { type: 'turn-failed', kind: 'internal', message: `The turn was given up after ${MAX_ATTEMPTS} attempts.` };
}

/**
 * The end of a turn that was interrupted: what its harness reports counts only if it ended the turn by itself before it heeded the
 * interruption. One that was killed for not heeding it, or that calls it a failure, was interrupted all the same.
 */
export function endAfterInterrupt(
  reported: TurnEnd,
  cause: InterruptCause | undefined,
  maxDurationMs: number | undefined,
): TurnEnd {
  if (cause === undefined || (reported.type === 'turn-end' && reported.reason !== 'interrupted')) return reported;
  return cause === 'max-duration' && maxDurationMs !== undefined
    ? { type: 'turn-failed', kind: 'timeout', message: durationExceeded(maxDurationMs) }
    : { type: 'turn-end', reason: 'interrupted' };
}
