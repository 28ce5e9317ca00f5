import { Injectable } from '@nestjs/common';
import { filesIn } from '../../domain/file-block.js';
import { type Prompt, readPromptText } from '../../domain/prompt.js';
import { StoreClock } from '../../storage/database/store-clock.js';
import { type Thread, ThreadStore } from '../../storage/stores/thread.store.js';
import type { TurnSummary } from '../../storage/stores/turn.js';
import { SessionMessageStore } from '../../storage/stores/session-message.store.js';
import { TurnStore } from '../../storage/stores/turn.store.js';
import { computeTurnKey, toConversationKey } from '../matching/conversation-key.js';
import { StoredConversation } from '../memory/stored-conversation.js';
import { TurnCallers } from '../matching/turn-callers.js';
import type { TurnRequest } from '../turn-request.js';
import { countEarlierTurns, findRoot } from './branch.js';
import { type ChainTurn, type HistoryMatch, matchHistory } from './match-history.js';

/** How many turns of a thread are compared with a history. */
const MAX_COMPARED_TURNS = 10_000;

/** How many turns are read at once with what their users said. */
const PAGE_SIZE = 20;

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
    private readonly stored: StoredConversation,
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
    if (findRoot(thread) !== undefined || endsWith(history.promptKey, recent, request)) return undefined;
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
    if (history !== undefined && endsWith(history.promptKey, recent, request)) return GOES_ON;
    const isComplete = chain.isComplete && !isJoined(thread, request);
    if (history === undefined && !isComplete) return GOES_ON;
    const summary = chain.findSummary();
    const messages = (await chain.readPrompts()).filter(({ start }) => start > (summary ?? -1));
    const turns = await this.readTurns(thread.id, request);
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

  private async readTurns(threadId: string, request: TurnRequest): Promise<readonly ChainTurn[]> {
    const given = await this.readGivenKeys(threadId, request);
    const newest = await this.turns.lastTurnSummaries(threadId, MAX_COMPARED_TURNS);
    const heard = await this.messages.heardRequests(threadId);
    return this.callers
      .withDeliveries(newest, this.clock.now())
      .toReversed()
      .map((turn) => toChainTurn(turn, request, given))
      .flatMap((turn) => [
        turn,
        ...heard.filter(({ turnId }) => turnId === turn.id).map(({ promptKey }) => toFurther(turn, promptKey)),
      ]);
  }

  /**
   * The keys that the turns have in the history of a client which was given them. A turn with a file or without text has none: clients show files,
   * and documents that they do not know, as texts.
   */
  private async readGivenKeys(threadId: string, { knownTurns, chain }: TurnRequest): Promise<GivenKeys> {
    if (knownTurns === undefined || chain === undefined) return new Map();
    const keys = new Map<string, string | undefined>();
    for (let before: number | undefined = knownTurns.last + 1; before !== undefined;) {
      const page = await this.stored.lastTurns(threadId, PAGE_SIZE, before, knownTurns.first - 1);
      for (const { turn, said } of page)
        keys.set(turn.id, isShownAlike(said) ? await chain.computeKey(said) : undefined);
      before = page.at(-1)?.turn.sequence;
    }
    return keys;
  }
}

/** By the ids of the turns. */
type GivenKeys = ReadonlyMap<string, string | undefined>;

/**
 * Whether another user, or another session of one, has made the thread. Claude Code then begins with its own first message, as with the line of
 * the console, and that does not take back what it never had. Not known of threads of older versions.
 */
function isJoined({ metadata }: Thread, { user }: TurnRequest): boolean {
  const { user: maker } = metadata;
  return maker !== undefined && (maker ?? undefined) !== user;
}

/** Whether a conversation ends with the last turn that its caller must know, or with one after it. */
function endsWith(promptKey: string, recent: readonly TurnSummary[], caller: HistoryCaller): boolean {
  for (const turn of recent) {
    if (toConversationKey(turn.requestKey) === promptKey) return true;
    if (isKnownToCaller(turn, caller)) return false;
  }
  return false;
}

function toChainTurn(turn: TurnSummary, caller: HistoryCaller, given: GivenKeys): ChainTurn {
  const { id, sequence } = turn;
  const promptKey = given.has(id) ? given.get(id) : turn.promptKey;
  return { id, sequence, promptKey, isKnown: isKnownToCaller(turn, caller) };
}

function toFurther(turn: ChainTurn, promptKey: string): ChainTurn {
  return { ...turn, promptKey, isKnown: false, isFurther: true };
}

type HistoryCaller = Pick<TurnRequest, 'user' | 'knownTurns'>;

/**
 * Whether the caller has the answer: its own, or one that it was given as it joined the thread. Of the turns of other callers nobody has told it.
 * The answer of a cancelled turn may have been given up.
 */
function isKnownToCaller(turn: TurnSummary, { user, knownTurns }: HistoryCaller): boolean {
  const { state, sequence, deliveredAt, promptKey, maker } = turn;
  if (state !== 'completed') return false;
  if (knownTurns !== undefined && sequence >= knownTurns.first && sequence <= knownTurns.last) return true;
  // The maker of turns of older versions is not known.
  return deliveredAt !== undefined && promptKey !== undefined && (maker ?? user ?? '') === (user ?? '');
}

/** Whether every client shows a prompt with the same texts. */
function isShownAlike(said: Prompt): boolean {
  return readPromptText(said).trim() !== '' && filesIn(said).length === 0;
}

function countEarlier(thread: Thread, turns: readonly ChainTurn[], from: ChainTurn): number {
  const earlier = turns.slice(0, turns.indexOf(from)).filter(({ isFurther }) => isFurther !== true);
  return countEarlierTurns(thread, turns[0]?.sequence ?? 1) + earlier.length;
}
