import { durationExceeded } from './max-duration.js';
import type { TurnEnd } from './turn-outcome.js';

/** How often this server resumes a turn whose process died. */
const MAX_RESUMPTIONS = 2;
/** The same after a stall: a resumed process often hangs again, and each time costs a full stall limit. */
const MAX_RESUMPTIONS_AFTER_STALL = 1;
/** Attempts of a turn over all servers: a turn that crashes the server must not do so for ever. */
const MAX_ATTEMPTS = 20;
/** How long an interrupted harness may take to end its turn before it is killed. */
const INTERRUPT_GRACE_MS = 10_000;

/** Why a turn is being interrupted. */
export type InterruptCause = 'caller' | 'turn-timeout' | 'max-duration';

/** The harness is working, starting or resuming. */
interface Running {
  readonly phase: 'running';
  /** How often this server has resumed the harness after its death. */
  readonly resumptions: number;
  /** Whether the server has killed it for a stall. */
  readonly hasStalled: boolean;
}

/** The harness was asked to end the turn; it is killed after a grace period. */
interface Interrupting {
  readonly phase: 'interrupting';
  readonly cause: InterruptCause;
  readonly sinceMs: number;
  /** Whether a process has received the interrupt. False if the turn was interrupted while its process was starting. */
  readonly isDelivered: boolean;
}

/** The next server, or the process that owns the log now, continues the turn. */
interface Abandoned {
  readonly phase: 'abandoned';
}

/** The last attempt is over; its end is being stored or is stored. */
interface Ended {
  readonly phase: 'ended';
  /** Set when the turn was interrupted before it ended. */
  readonly interruptedBy: InterruptCause | undefined;
}

/** The state of a claimed turn's run. Immutable. */
export type RunState = Running | Interrupting | Abandoned | Ended;

/** An input of the state machine. Times are readings of `performance.now()`. */
export type RunEvent =
  | { readonly type: 'interrupt-requested'; readonly nowMs: number }
  | { readonly type: 'interrupt-delivered' }
  | { readonly type: 'ticked'; readonly nowMs: number; readonly overrun: Overrun | undefined }
  | { readonly type: 'attempt-ended'; readonly end: TurnEnd }
  | { readonly type: 'handed-off' };

/** A limit that a running turn has exceeded. */
export type Overrun = 'max-duration' | 'turn-timeout' | 'stall';

/** A side effect on the harness or the log, which the run performs. */
export type RunAction = 'interrupt-harness' | 'stop-harness' | 'log-timeout-notice' | 'unsubscribe';

/** The next state, and the actions to perform in order. */
export type RunStep = readonly [RunState, readonly RunAction[]];

/** How long a run and the current silence of its harness have lasted. */
export interface RunTimes {
  readonly elapsedMs: number;
  /** `undefined` while a tool runs: a tool may be silent for any time. */
  readonly silentMs: number | undefined;
}

/** Time limits of a turn. */
export interface RunLimits {
  /** The turn's own limit; past it the turn fails. */
  readonly maxDurationMs: number | undefined;
  /** The server's limit; past it the turn is interrupted. */
  readonly turnTimeoutMs: number;
  /** Longest silence of a harness that runs no tool. */
  readonly harnessStallMs: number;
}

const NO_ACTIONS: readonly RunAction[] = [];

/** The state of a turn that is about to be claimed or has just been claimed. */
export const INITIAL_RUN_STATE: RunState = { phase: 'running', resumptions: 0, hasStalled: false };

/**
 * Advances a run, from its claim to the end of its last attempt. A dash changes nothing.
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
 * `abandoned` and `ended` are final. An interrupted turn never resumes, even if its harness died.
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

/** Returns the limit that a turn has exceeded. The turn's own limit takes precedence over the server's. */
export function findOverrun({ elapsedMs, silentMs }: RunTimes, limits: RunLimits): Overrun | undefined {
  if (limits.maxDurationMs !== undefined && elapsedMs > limits.maxDurationMs) return 'max-duration';
  if (elapsedMs > limits.turnTimeoutMs) return 'turn-timeout';
  return silentMs !== undefined && silentMs > limits.harnessStallMs ? 'stall' : undefined;
}

/** Returns the end of a turn that must not start another attempt: it was interrupted, or has used all attempts. */
export function endBeforeAttempt(state: RunState, attempt: number): TurnEnd | undefined {
  if (state.phase === 'interrupting') return { type: 'turn-end', reason: 'interrupted' };
  if (attempt <= MAX_ATTEMPTS) return undefined;
  return { type: 'turn-failed', kind: 'internal', message: `The turn failed after ${MAX_ATTEMPTS} attempts.` };
}

/**
 * Returns the end of a turn that may have been interrupted. The reported end stands if the harness completed the turn before it
 * processed the interrupt. If it was killed, or reports the interrupt as a failure, the turn ends as interrupted.
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
