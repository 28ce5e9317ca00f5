// Over 250 lines because a third of it is tables.
import type { BusyPolicy } from '../../config/app-config.js';
import { isPermanentFailure } from '../../domain/failure.js';
import type { HarnessChoice } from '../../harness/models/route-model.js';
import type { Thread } from '../../storage/stores/thread.store.js';
import { hasEnded, type Turn, type TurnSummary } from '../../storage/stores/turn.js';
import type { RetryIdentity, TurnRequest } from '../turn-request.js';
import { refuseForLoad, type ServerLoad } from './admission.js';
import { type AnsweringRequest, type CallFacts, refuseResults } from './caller-results.js';
import type { OpeningRefusal } from './refusals.js';
import { findSteerable, findSteered, type SteeringFacts, type SteeringRequest } from './steer-rules.js';

/** The fields of a request that decide which turn it gets. */
export type ClassifiedRequest = RetryIdentity &
  AnsweringRequest &
  SteeringRequest &
  Pick<
    TurnRequest,
    | 'attempt'
    | 'branch'
    | 'callerTools'
    | 'continuesFrom'
    | 'idempotencyKey'
    | 'interrupts'
    | 'isFreshThread'
    | 'isSideRequest'
    | 'mcpServers'
    | 'model'
    | 'outputSchema'
  >;

/** The settings that {@link classify} depends on. */
export interface OpeningPolicy {
  readonly onBusy: BusyPolicy;
  readonly maxQueuedPerThread: number;
  readonly maxWaitingTurns: number;
}

/** The state of the store and the server when a request arrives. */
export interface OpeningFacts extends CallFacts, SteeringFacts {
  /** The thread that the request names, or that matches its conversation. */
  readonly thread: Thread | undefined;
  /** The thread's last turns, newest first. */
  readonly recent: readonly TurnSummary[];
  /**
   * The turn that the same request started, as far as it can be found without comparing `recent`: by the idempotency key within the
   * thread, or in any thread if the request names none; see {@link rankRetried}.
   */
  readonly sameRequest: { readonly thread: Thread; readonly turn: Turn } | undefined;
  /** The harness of the thread, or that of the request's model for a new thread; `undefined` if it is not served here. */
  readonly harness: HarnessChoice | undefined;
  /** Whether the agents of that harness can call the caller's tools. */
  readonly takesCallerTools: boolean;
  /** Whether they can be given MCP servers. */
  readonly takesMcpServers: boolean;
  /** Whether they cannot answer a side request, which has no tools. */
  readonly needsTools: boolean;
  readonly load: ServerLoad;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/** The decision on a request. */
export type Opening =
  /** It is a retry: its caller gets the existing turn, which has heard its message while it ran if that has an id. */
  | { readonly kind: 'attach'; readonly turnId: string; readonly messageId?: string }
  /** It gets the first turn of a new thread. */
  | { readonly kind: 'new'; readonly harness: HarnessChoice }
  /** It gets the next turn of an idle thread. */
  | { readonly kind: 'continue'; readonly thread: Thread }
  /** It gets the next turn, behind the unfinished ones. */
  | { readonly kind: 'queue'; readonly thread: Thread }
  /** Its message is handed to this running turn; its caller gets that turn once the agent has heard it. */
  | { readonly kind: 'steer'; readonly thread: Thread; readonly turnId: string }
  /** It gets the next turn, once these turns have been interrupted. */
  | { readonly kind: 'interrupt'; readonly thread: Thread; readonly turns: readonly TurnSummary[] }
  /** The matching thread has continued differently: open the request on a fresh thread. */
  | { readonly kind: 'fork' }
  | { readonly kind: 'refuse'; readonly refusal: OpeningRefusal };

/**
 * Decides whether a request is a retry, the next message of a thread, the first one of a new thread, or refused. The first matching
 * row wins. A "later turn" is a turn after the continued answer that has not failed.
 *
 * | #  | the request                                                                                                  | decision                       |
 * | -- | ------------------------------------------------------------------------------------------------------------ | ------------------------------ |
 * |    | **is a retry**, unless it is marked as a first attempt                                                       |                                |
 * | 1  | has the idempotency key of a turn of its thread                                                              | attach                         |
 * | 2  | has no key; is the request of an unfinished turn of its thread, or of the last ended one ({@link isRetryOf}) | attach                         |
 * | 3  | names no thread; is the request of a turn of any ({@link rankRetried})                                       | attach                         |
 * | 3a | was handed to a turn that heard it, by the rules of rows 1 and 2                                             | attach                         |
 * | 3b | was handed to a turn that is running, and is not heard yet; not while the server drains                      | steer                          |
 * |    | **names a thread** whose harness is not served                                                               |                                |
 * | 4  | always                                                                                                       | refuse: `no-such-model`        |
 * |    | **continues an answer** that matches its conversation                                                        |                                |
 * | 5  | of a thread that is gone                                                                                     | fork                           |
 * | 6  | with a later turn                                                                                            | fork                           |
 * |    | **continues an answer** that it names                                                                        |                                |
 * | 7  | of a thread that is gone                                                                                     | refuse: `thread-not-found`     |
 * | 7a | with a later turn, and can begin a branch                                                                    | fork                           |
 * | 8  | with a later turn that has ended                                                                             | refuse: `already-continued`    |
 * | 9  | with a later turn, when busy threads reject                                                                  | refuse: `continue-in-flight`   |
 * |    | **has tools, MCP servers or results of tools**, or may have no tools                                         |                                |
 * | 10 | tools or MCP servers that the agent cannot use                                                               | refuse: `no-…`                 |
 * | 10a | is a side request, and the agent cannot go without tools                                                    | refuse: `needs-tools`          |
 * | 11 | results that are not those that the agent waits for ({@link refuseResults})                                  | refuse: `…-results`            |
 * |    | **needs a turn** of its own ({@link refuseForLoad})                                                          |                                |
 * | 12 | while the server drains                                                                                      | refuse: `draining`             |
 * | 13 | while the disk is almost full, or too many turns wait                                                        | refuse: `disk-low`, `overloaded` |
 * |    | **begins a thread**                                                                                          |                                |
 * | 14 | for a model that no harness here serves                                                                      | refuse: `no-such-model`        |
 * | 15 | otherwise                                                                                                    | new                            |
 * |    | **is the next message of a thread**                                                                          |                                |
 * | 16 | that has no unfinished turn                                                                                  | continue                       |
 * | 17 | that is busy, and its user interrupted the turn                                                              | interrupt the running turn     |
 * | 18 | that is busy, policy `interrupt`                                                                             | interrupt all unfinished turns |
 * | 19 | that is busy, policy `steer`, if the running turn can answer it ({@link findSteerable})                      | steer the running turn         |
 * | 20 | that is busy, policy `queue` or `steer`, with room in the queue                                              | queue                          |
 * | 21 | that is busy, policy `queue` or `steer`, without                                                             | refuse: `queue-full`           |
 * | 22 | that is busy, policy `reject`                                                                                | refuse: `busy`                 |
 */
export function classify(request: ClassifiedRequest, facts: OpeningFacts, policy: OpeningPolicy): Opening {
  const retriedId = request.attempt === 'first' ? undefined : findRetried(request, facts);
  if (retriedId !== undefined) return { kind: 'attach', turnId: retriedId };
  const steered = openSteered(request, facts);
  if (steered !== undefined) return steered;
  const { thread, harness } = facts;
  if (thread !== undefined && harness === undefined) return refuse({ reason: 'no-such-model', model: thread.harness });
  const conflict = checkContinuation(request, facts, policy.onBusy);
  if (conflict !== undefined) return conflict;
  const unable = refuseInability(request, facts);
  if (unable !== undefined) return refuse(unable);
  const unanswered = refuseResults(request, facts);
  if (unanswered !== undefined) return refuse(unanswered);
  const overload = refuseForLoad(facts.load, policy.maxWaitingTurns);
  if (overload !== undefined) return refuse(overload);
  if (thread !== undefined) return classifyNextMessage(thread, request, facts, policy);
  return harness === undefined ? refuse({ reason: 'no-such-model', model: request.model }) : { kind: 'new', harness };
}

/** Rows 10 and 10a. */
function refuseInability(
  { callerTools, isSideRequest, mcpServers }: ClassifiedRequest,
  { harness, takesCallerTools, takesMcpServers, needsTools }: OpeningFacts,
): OpeningRefusal | undefined {
  if (harness === undefined) return undefined;
  const name = { harness: harness.harness };
  if (isSideRequest && needsTools) return { reason: 'needs-tools', ...name };
  if (callerTools !== undefined && !takesCallerTools) return { reason: 'no-caller-tools', ...name };
  const hasServers = mcpServers !== undefined && mcpServers.length > 0;
  return hasServers && !takesMcpServers ? { reason: 'no-mcp-servers', ...name } : undefined;
}

/** Rows 1 to 3. */
function findRetried(request: ClassifiedRequest, { sameRequest, recent, nowMs }: OpeningFacts): string | undefined {
  if (sameRequest !== undefined) return sameRequest.turn.id;
  if (request.idempotencyKey !== undefined) return undefined;
  const lastEnded = recent.find((turn) => hasEnded(turn.state));
  const candidates = recent.filter((turn) => turn === lastEnded || !hasEnded(turn.state));
  return candidates.find((turn) => isRetryOf(request, turn, nowMs))?.id;
}

/** Rows 3a and 3b. */
function openSteered(request: ClassifiedRequest, facts: OpeningFacts): Opening | undefined {
  const { thread, recent, load, nowMs } = facts;
  const place = findSteered(request, facts, recent, (turn, { deliveredAt }) =>
    isRetryOf({ ...request, requestKey: turn.requestKey }, { ...turn, deliveredAt }, nowMs),
  );
  if (place?.kind !== 'steer') return place;
  return thread === undefined || load.isDraining ? undefined : { ...place, thread };
}

/** Rows 5 to 9. */
function checkContinuation(
  { branch, continuesFrom }: ClassifiedRequest,
  { thread, recent }: OpeningFacts,
  onBusy: BusyPolicy,
): Opening | undefined {
  if (continuesFrom === undefined) return undefined;
  const later = recent.filter(({ sequence, state }) => sequence > continuesFrom.sequence && state !== 'failed');
  if (!continuesFrom.isExplicit) return thread === undefined || later.length > 0 ? { kind: 'fork' } : undefined;
  if (thread === undefined) return refuse({ reason: 'thread-not-found' });
  if (branch !== undefined && later.length > 0) return { kind: 'fork' };
  if (later.some(({ state }) => hasEnded(state))) return refuse({ reason: 'already-continued' });
  return later.length > 0 && onBusy === 'reject' ? refuse({ reason: 'continue-in-flight' }) : undefined;
}

/** Rows 16 to 22. */
function classifyNextMessage(
  thread: Thread,
  request: ClassifiedRequest,
  facts: OpeningFacts,
  { onBusy, maxQueuedPerThread }: OpeningPolicy,
): Opening {
  const { recent } = facts;
  const unfinished = recent.filter(({ state }) => !hasEnded(state));
  if (unfinished.length === 0) return { kind: 'continue', thread };
  // Turns that other callers have queued behind the running one stay.
  if (request.interrupts)
    return { kind: 'interrupt', thread, turns: unfinished.filter(({ state }) => state === 'running') };
  switch (onBusy) {
    case 'interrupt':
      return { kind: 'interrupt', thread, turns: unfinished };
    case 'steer':
    case 'queue': {
      const steerable = onBusy === 'steer' ? findSteerable(request, facts, recent) : undefined;
      if (steerable !== undefined) return { kind: 'steer', thread, turnId: steerable };
      const queued = unfinished.filter(({ state }) => state === 'queued').length;
      return queued < maxQueuedPerThread ? { kind: 'queue', thread } : refuse({ reason: 'queue-full' });
    }
    case 'reject':
      return refuse({ reason: 'busy' });
    default:
      return onBusy satisfies never;
  }
}

/** Whether a decision gives the request the next turn of a known thread. */
export function isNextTurn({ kind }: Opening): boolean {
  return kind === 'continue' || kind === 'queue' || kind === 'interrupt';
}

function refuse(refusal: OpeningRefusal): Opening {
  return { kind: 'refuse', refusal };
}

/** How long retries of the same request get a permanent failure again without a new turn. */
const PERMANENT_FAILURE_TTL_MS = 60_000;

/**
 * Whether a request is a retry of this turn rather than the next message. Both must have the same key.
 *
 * | the turn is         | retry                                                                     |
 * | ------------------- | ------------------------------------------------------------------------- |
 * | `queued`, `running` | yes                                                                       |
 * | `completed`         | if the caller sends its history, or no caller has received all of it      |
 * | `cancelled`         | if there is an answer and no caller has received all of it                |
 * | `failed`            | for a minute, if the failure is permanent                                 |
 *
 * If the caller sends its history, a conversation that continues has another key. A caller that sends only its newest message and
 * repeats it after the answer wants a second turn. A caller is one of the same request: each message that a turn heard while it ran has
 * others, and its own delivery. Permanent failures are returned again because Claude Code 2.1.330 resends the same
 * conversation six times after a 400, and more often after a 401; each would start a turn of the agent.
 *
 * @param nowMs milliseconds since the epoch.
 */
export function isRetryOf(request: RetryIdentity, turn: TurnSummary, nowMs: number): boolean {
  if (request.requestKey !== turn.requestKey) return false;
  switch (turn.state) {
    case 'queued':
    case 'running':
      return true;
    case 'completed':
      return request.hasHistory || turn.deliveredAt === undefined;
    case 'cancelled':
      return turn.hasMessage && turn.deliveredAt === undefined;
    case 'failed':
      return (
        turn.failure !== undefined &&
        isPermanentFailure(turn.failure.kind) &&
        nowMs - (turn.endedAt ?? 0) < PERMANENT_FAILURE_TTL_MS
      );
    default:
      return turn.state satisfies never;
  }
}

/**
 * Returns the turns that a request without a thread may be a retry of, the most likely first. An SDK resends the body when its
 * connection breaks, so among identical turns a marked retry belongs to the one with the fewest callers.
 *
 * @param sameRequests turns with the request's key or idempotency key, newest first.
 * @param callerCount counts the callers that wait for a turn now.
 */
export function rankRetried(
  request: Pick<ClassifiedRequest, 'requestKey' | 'idempotencyKey' | 'attempt'>,
  sameRequests: readonly TurnSummary[],
  callerCount: (turnId: string) => number,
  nowMs: number,
): readonly TurnSummary[] {
  const { requestKey, idempotencyKey, attempt } = request;
  // The same idempotency key is the same request, even if the answer was delivered.
  const retried = sameRequests.filter(
    (turn) => idempotencyKey !== undefined || isRetryOf({ requestKey, hasHistory: false }, turn, nowMs),
  );
  return attempt === 'retry' ? retried.toSorted((one, other) => callerCount(one.id) - callerCount(other.id)) : retried;
}
