import { setImmediate } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { Prompt } from '../../domain/prompt.js';
import type { SeedMessage } from '../../domain/seed/seed-message.js';
import { isRefusal } from '../../domain/provider-refusal.js';
import type { Thread } from '../../storage/stores/thread.store.js';
import { hasEnded, type TurnSummary } from '../../storage/stores/turn.js';
import { TurnStore } from '../../storage/stores/turn.store.js';
import { StoredConversation } from './stored-conversation.js';
import { findPendingCut } from '../history/branch.js';
import { ThreadHost } from '../hosting/thread-host.js';
import type { TurnRequest } from '../turn-request.js';

/** The earlier conversation that seeds an agent without memory of it. */
export interface AgentSeed {
  /** Empty when the agent needs none. */
  readonly seed: readonly SeedMessage[];
  /** The prompt that follows the seed, if it differs from that of the request. */
  readonly prompt?: Prompt;
  /** Whether the agent had a record of its own, which is gone. */
  readonly isLost: boolean;
  /** The turn from which on the agent's record is to be removed first; absent for none. */
  readonly dropFrom?: string;
}

/** Checks whether a thread's agent still has its own record of the conversation, and makes the seed for one that does not. */
@Injectable()
export class ThreadMemory {
  private readonly logger = new Logger(ThreadMemory.name);

  constructor(
    private readonly host: ThreadHost,
    private readonly turns: TurnStore,
    private readonly stored: StoredConversation,
  ) {}

  /**
   * Makes the seed for a new turn. An agent that never saw the conversation gets the caller's history. An agent whose own record is
   * gone gets the caller's history, or else the stored turns.
   *
   * @param recent the thread's last turns, newest first.
   */
  async prepareSeed(
    thread: Thread | undefined,
    request: Partial<Pick<TurnRequest, 'history' | 'isSideRequest'>> = {},
    recent: readonly TurnSummary[] = [],
  ): Promise<AgentSeed> {
    // While a turn is active, the agent is still writing its record.
    const isActive = recent.some((turn) => !hasEnded(turn.state));
    const isLost = thread !== undefined && !isActive && (await this.isLost(thread));
    // The prompt of a side request contains the conversation, and an agent with memory needs no seed.
    const needsSeed = isLost || (hasNoMemory(thread, recent) && request.isSideRequest !== true);
    const seeding = needsSeed ? request.history?.toSeeding() : undefined;
    const dropFrom = thread === undefined ? undefined : findPendingCut(thread, recent);
    const facts = { isLost, ...(dropFrom === undefined ? {} : { dropFrom }) };
    if (seeding !== undefined && seeding.seed.length > 0) {
      // A long one takes milliseconds, and so does its storage.
      await setImmediate();
      return { ...seeding, ...facts };
    }
    return { seed: isLost ? await this.stored.loadSeed(thread.id) : [], ...facts };
  }

  /** Whether the thread has answers and its agent's own record of them is gone: the record or its folder was deleted. */
  private async isLost(thread: Thread): Promise<boolean> {
    if (thread.turnCount === 0 || (await this.host.remembers(thread))) return false;
    const isLost = await this.turns.hasAnswer(thread.id);
    if (isLost)
      this.logger.warn({ threadId: thread.id }, 'lost the agent’s record of a thread; the next turn seeds the agent');
    return isLost;
  }
}

/** Whether these are all turns of a thread, at least one, and all of them failed. */
export function areAllFailed(recent: readonly TurnSummary[]): boolean {
  return recent.at(-1)?.sequence === 1 && recent.every(({ state }) => state === 'failed');
}

/** Whether no turn of the thread is in its agent's memory. Turns that the model provider refused are removed from it again. */
function hasNoMemory(thread: Thread | undefined, recent: readonly TurnSummary[]): boolean {
  if (recent.length === 0) return thread?.sessionId === undefined;
  const isRefused = ({ failure }: TurnSummary): boolean => failure !== undefined && isRefusal(failure.kind);
  return areAllFailed(recent) && (thread?.sessionId === undefined || recent.every(isRefused));
}
