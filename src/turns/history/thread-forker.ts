import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type { Thread } from '../../storage/stores/thread.store.js';
import { TurnStore } from '../../storage/stores/turn.store.js';
import { ThreadHost } from '../hosting/thread-host.js';
import { toBranchKey, toBranchMetadata, withCut } from './branch.js';
import type { ChainTurn } from './match-history.js';

/**
 * Forks threads: the turns that the caller no longer has move to a branch, a thread with a key of its own and a copy of all files. The thread
 * keeps its id and thus its folders: its agent knows files by their absolute paths, and would otherwise change those of the branch.
 */
@Injectable()
export class ThreadForker {
  constructor(
    private readonly host: ThreadHost,
    private readonly turns: TurnStore,
  ) {}

  /**
   * Moves the turns from `from` on to a branch. Stops what the thread does, because what runs comes after `from`. Returns the thread
   * without these turns; its agent's record still has them. Call it under the thread's lock.
   *
   * Rejects if the files cannot be copied or the store cannot be reached; the thread is then as it was.
   *
   * @param earlierTurns how many turns of the conversation come before `from`.
   */
  async fork(thread: Thread, from: ChainTurn, earlierTurns: number): Promise<Thread> {
    await this.host.stopThread(thread.id);
    const [last] = await this.turns.lastTurnSummaries(thread.id, 1);
    const lastSequence = last?.sequence ?? from.sequence;
    const cut = { turnId: from.id, lastSequence, skipped: lastSequence - earlierTurns };
    const branchId = randomUUID();
    return this.host.split(
      thread.id,
      { id: branchId, key: toBranchKey(thread.key, branchId), metadata: toBranchMetadata(thread, from.id) },
      { fromSequence: from.sequence, metadata: withCut(thread.metadata, cut) },
      lastSequence,
    );
  }
}
