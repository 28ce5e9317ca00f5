import { Injectable } from '@nestjs/common';
import { StoreClock } from '../../storage/database/store-clock.js';
import { type Thread, ThreadStore } from '../../storage/stores/thread.store.js';
import type { TurnSummary } from '../../storage/stores/turn.js';
import { SessionMessageStore } from '../../storage/stores/session-message.store.js';
import { TurnStore } from '../../storage/stores/turn.store.js';
import { computeTurnKey, toConversationKey } from '../matching/conversation-key.js';
import { TurnCallers } from '../matching/turn-callers.js';
import type { TurnRequest } from '../turn-request.js';
import { countEarlierTurns, findRoot } from './branch.js';
import { type ChainTurn, type HistoryMatch, matchHistory } from './match-history.js';

/** How many turns of a thread are compared with a history. */
const MAX_COMPARED_TURNS = 10_000;

/** How a request goes on with its thread. */
export interface MatchedHistory {
  readonly match: HistoryMatch;
  /** The index of the first message of the request that the agent lacks; `undefined` if it lacks none. */
  readonly restStart: number | undefined;
  /** How many turns of the conversation come before the first one that a fork gives away; 0 without a fork. */
  readonly earlierTurns: number;
}

const GOES_ON: MatchedHistory = { match: { kind: 'continue' }, restStart: undefined, earlierTurns: 0 };

/** Compares the histories of requests with the turns of the threads that they name. */
@Injectable()
export class HistoryMatcher {
  constructor(
    private readonly threads: ThreadStore,
    private readonly turns: TurnStore,
    private readonly messages: SessionMessageStore,
    private readonly callers: TurnCallers,
    private readonly clock: StoreClock,
  ) {}

  /**
   * Finds the branch of a thread that has the conversation of a request; `undefined` if the thread itself has it, or no branch. Costs
   * a query only if the thread's last turn is another one.
   *
   * @param recent the thread's last turns, newest first.
   */
  async findBranch(
    request: TurnRequest,
    thread: Thread | undefined,
    recent: readonly TurnSummary[],
  ): Promise<Thread | undefined> {
    const { history, outputSchema, continuesFrom } = request;
    if (thread === undefined || continuesFrom !== undefined || history === undefined) return undefined;
    // A branch has only turns of its own thread, so that no two requests wait for each other's locks.
    if (findRoot(thread) !== undefined || endsWith(history.promptKey, recent)) return undefined;
    for (const key of new Set([history.promptKey, computeTurnKey(history.promptKey, outputSchema)])) {
      for (const turn of await this.turns.byRequestKey(key, 0)) {
        const branch = turn.threadId === thread.id ? undefined : await this.threads.byId(turn.threadId);
        if (branch !== undefined && findRoot(branch) === thread.id) return branch;
      }
    }
    return undefined;
  }

  /**
   * Decides how a request, which is no retry, goes on with a thread. Costs one comparison if the request's history ends with the
   * thread's last turn; otherwise reads the turns, and hashes the history once more.
   *
   * @param recent the thread's last turns, newest first.
   */
  async match(request: TurnRequest, thread: Thread, recent: readonly TurnSummary[]): Promise<MatchedHistory> {
    const { history, chain, continuesFrom } = request;
    if (chain === undefined || continuesFrom !== undefined) return GOES_ON;
    if (history !== undefined && endsWith(history.promptKey, recent)) return GOES_ON;
    const isComplete = chain.isComplete && !isJoined(thread, request);
    if (history === undefined && !isComplete) return GOES_ON;
    const summary = chain.findSummary();
    const messages = (await chain.readPrompts()).filter(({ start }) => start > (summary ?? -1));
    const turns = await this.readTurns(thread.id);
    const promptKeys = messages.map(({ key }) => key);
    const isCompacted = summary !== undefined;
    const match = matchHistory({ promptKeys, isComplete, isCompacted }, turns);
    const { rest } = match;
    return {
      match,
      // Without a summary, what comes before the first message of the user belongs to it.
      restStart: rest === 0 && !isCompacted ? 0 : messages[rest ?? messages.length]?.start,
      earlierTurns: match.kind === 'fork' ? countEarlier(thread, turns, match.from) : 0,
    };
  }

  private async readTurns(threadId: string): Promise<readonly ChainTurn[]> {
    const newest = await this.turns.lastTurnSummaries(threadId, MAX_COMPARED_TURNS);
    const heard = await this.messages.heardRequests(threadId);
    return this.callers
      .withDeliveries(newest, this.clock.now())
      .toReversed()
      .map(toChainTurn)
      .flatMap((turn) => [
        turn,
        ...heard.filter(({ turnId }) => turnId === turn.id).map(({ promptKey }) => toFurther(turn, promptKey)),
      ]);
  }
}

/**
 * Whether another user, or another session of one, has made the thread. Claude Code then begins with its own first message, as with the line of
 * the console, and that does not take back what it never had. Not known of threads of older versions.
 */
function isJoined({ metadata }: Thread, { user }: TurnRequest): boolean {
  const { user: maker } = metadata;
  return maker !== undefined && (maker ?? undefined) !== user;
}

/** Whether a conversation ends with the last turn that its caller must know, or with one after it. */
function endsWith(promptKey: string, recent: readonly TurnSummary[]): boolean {
  for (const turn of recent) {
    if (toConversationKey(turn.requestKey) === promptKey) return true;
    if (isKnownToCaller(turn)) return false;
  }
  return false;
}

function toChainTurn(turn: TurnSummary): ChainTurn {
  const { id, sequence, promptKey } = turn;
  return { id, sequence, promptKey, isKnown: isKnownToCaller(turn) };
}

function toFurther(turn: ChainTurn, promptKey: string): ChainTurn {
  return { ...turn, promptKey, isKnown: false, isFurther: true };
}

/** Whether the caller has the answer. That of a cancelled turn may have been given up. */
function isKnownToCaller({ state, deliveredAt, promptKey }: TurnSummary): boolean {
  return state === 'completed' && deliveredAt !== undefined && promptKey !== undefined;
}

function countEarlier(thread: Thread, turns: readonly ChainTurn[], from: ChainTurn): number {
  const earlier = turns.slice(0, turns.indexOf(from)).filter(({ isFurther }) => isFurther !== true);
  return countEarlierTurns(thread, turns[0]?.sequence ?? 1) + earlier.length;
}
