import { Injectable, Logger } from '@nestjs/common';
import type { Thread } from '../../storage/stores/thread.store.js';
import type { TurnSummary } from '../../storage/stores/turn.js';
import { isNextTurn, type Opening, type OpeningFacts } from '../matching/classify.js';
import { type AgentSeed, ThreadMemory } from '../memory/thread-memory.js';
import { readSeed, toLogFields } from '../running/input/stored-request.js';
import type { HistoryOutcome, OpenedTurn, TurnRequest } from '../turn-request.js';
import { HistoryMatcher, type MatchedHistory } from './history-matcher.js';
import { ThreadForker } from './thread-forker.js';

/** What was done about a request's history before its turn is stored. */
export interface PreparedHistory {
  /** The thread, without the turns that a fork gave away; `undefined` for a thread that is yet to be made. */
  readonly thread: Thread | undefined;
  /** The thread's last turns, newest first. */
  readonly recent: readonly TurnSummary[];
  readonly seed: AgentSeed;
  readonly outcome: HistoryOutcome;
}

const LOGGED = {
  seeded: 'seeded the agent with messages that it lacked',
  forked: 'forked a thread where its caller took turns back',
  compacted: 'kept the record of a thread whose caller has compacted its own',
} as const;

/** Makes a thread and its agent agree with the history of a request. */
@Injectable()
export class HistoryService {
  private readonly logger = new Logger(HistoryService.name);

  constructor(
    private readonly matcher: HistoryMatcher,
    private readonly forker: ThreadForker,
    private readonly memory: ThreadMemory,
  ) {}

  /**
   * Finds the branch that has the conversation of a request that gets the next turn of a thread; see
   * {@link HistoryMatcher.findBranch}.
   */
  async findBranch(
    decision: Opening,
    request: TurnRequest,
    { thread, recent }: Pick<OpeningFacts, 'thread' | 'recent'>,
  ): Promise<Thread | undefined> {
    return isNextTurn(decision) ? this.matcher.findBranch(request, thread, recent) : undefined;
  }

  /**
   * Prepares the thread of a request that gets a new turn: forks it if the caller took turns back, and makes the seed of what its
   * agent lacks. Call it under the thread's lock.
   *
   * @param known the thread; `undefined` for a new one.
   * @param recent its last turns, newest first.
   */
  async prepare(
    request: TurnRequest,
    known: Thread | undefined,
    recent: readonly TurnSummary[],
  ): Promise<PreparedHistory> {
    if (known === undefined) {
      const seed = await this.memory.prepareSeed(undefined, request, recent);
      return { thread: undefined, recent, seed, outcome: seed.seed.length === 0 ? 'new' : 'seeded' };
    }
    const matched = await this.matcher.match(request, known, recent);
    const { match } = matched;
    const thread = match.kind === 'fork' ? await this.forker.fork(known, match.from, matched.earlierTurns) : known;
    const kept = match.kind === 'fork' ? recent.filter(({ sequence }) => sequence < match.from.sequence) : recent;
    const seed = this.withRest(await this.memory.prepareSeed(thread, request, kept), request, matched);
    const outcome = toOutcome(match.kind, seed);
    return { thread, recent: kept, seed, outcome };
  }

  /** Logs how a turn's request was matched, unless its agent simply has the conversation. Returns the turn. */
  report(opened: OpenedTurn): OpenedTurn {
    const { history, thread, turn } = opened;
    if (history === 'seeded' || history === 'forked' || history === 'compacted') {
      const seedMessages = readSeed(turn).length;
      this.logger.log({ threadId: thread.id, ...toLogFields(turn), history, seedMessages }, LOGGED[history]);
    }
    return opened;
  }

  /** Adds the messages that the agent's record lacks, unless the seed has the whole conversation. */
  private withRest(seed: AgentSeed, { history }: TurnRequest, { restStart }: MatchedHistory): AgentSeed {
    if (seed.seed.length > 0 || restStart === undefined || history === undefined) return seed;
    return { ...seed, ...history.toSeeding(restStart) };
  }
}

function toOutcome(kind: MatchedHistory['match']['kind'], { seed }: AgentSeed): HistoryOutcome {
  switch (kind) {
    case 'fork':
      return 'forked';
    case 'compacted':
      return 'compacted';
    case 'continue':
      return seed.length === 0 ? 'continued' : 'seeded';
    default:
      return kind satisfies never;
  }
}
