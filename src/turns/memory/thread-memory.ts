import { Injectable, Logger } from '@nestjs/common';
import { HarnessGateway } from '../../harness/harness.gateway.js';
import type { Prompt } from '../../domain/prompt.js';
import { isRefusal } from '../../domain/refusal.js';
import type { Thread } from '../../storage/stores/thread.store.js';
import { hasEnded, type Turn, type TurnSummary } from '../../storage/stores/turn.js';
import { TurnStore } from '../../storage/stores/turn.store.js';
import { TurnDigest } from './turn-digest.js';
import type { TurnRequest } from '../turn-request.js';

/** How many turns are read from the store at once. */
const PAGE = 20;

/** What an agent is told before a turn that it does not know. */
export interface AgentSeed {
  /** Empty for nothing. */
  readonly seed: Prompt;
  /** Whether the agent knew it, and its own record of it is gone. */
  readonly isLost: boolean;
}

/** Finds out whether a thread's agent still remembers, and tells what the store has for one that does not. */
@Injectable()
export class ThreadMemory {
  private readonly logger = new Logger(ThreadMemory.name);

  constructor(
    private readonly gateway: HarnessGateway,
    private readonly turns: TurnStore,
  ) {}

  /**
   * What the agent is to be told before a new turn: what the caller tells of a conversation that it never heard, or, when its own record
   * is gone, what the caller, else the store, tells of it.
   *
   * @param recent the thread's last turns, newest first.
   */
  async prepareSeed(
    thread: Thread | undefined,
    request: Partial<Pick<TurnRequest, 'history' | 'isSideRequest'>> = {},
    recent: readonly TurnSummary[] = [],
  ): Promise<AgentSeed> {
    // The record of a thread at work is being written.
    const isAtWork = recent.some((turn) => !hasEnded(turn.state));
    const isLost = thread !== undefined && !isAtWork && (await this.isLost(thread));
    // The prompt of a side request has it all, and an agent that has been here before remembers by itself.
    const tells = isLost || (hasNoMemory(thread, recent) && request.isSideRequest !== true);
    const told = tells ? (request.history?.toPrompt() ?? []) : [];
    return { seed: isLost && told.length === 0 ? await this.digest(thread.id) : told, isLost };
  }

  /** Whether the thread has answers of which its agent's own record is gone: its folder was lost, or the record in it. */
  private async isLost(thread: Thread): Promise<boolean> {
    if (thread.turnCount === 0 || (await this.gateway.remembers(thread))) return false;
    const isLost = await this.turns.hasAnswer(thread.id);
    if (isLost)
      this.logger.warn({ threadId: thread.id }, 'the agent’s record of a thread is gone; it is told what was said');
    return isLost;
  }

  /** What the store has of the turns before this one: the newest of it, where it is long. Empty for nothing. */
  async digest(threadId: string, before?: number): Promise<Prompt> {
    const told = new TurnDigest();
    let page: readonly Turn[];
    do {
      page = await this.turns.lastTurns(threadId, PAGE, before);
      for (const turn of page) told.addBefore(turn);
      before = page.at(-1)?.sequence;
    } while (page.length === PAGE && !told.isFull);
    return told.toPrompt();
  }
}

/** Whether a thread has turns, these are all of them, and none was answered. */
export function areAllFailed(recent: readonly TurnSummary[]): boolean {
  return recent.at(-1)?.sequence === 1 && recent.every(({ state }) => state === 'failed');
}

/** Whether none of the thread's turns reached its agent for good: those that the model provider refused are taken out again. */
function hasNoMemory(thread: Thread | undefined, recent: readonly TurnSummary[]): boolean {
  if (recent.length === 0) return thread?.sessionId === undefined;
  const isRefused = ({ failure }: TurnSummary): boolean => failure !== undefined && isRefusal(failure.kind);
  return areAllFailed(recent) && (thread?.sessionId === undefined || recent.every(isRefused));
}
