import { Injectable } from '@nestjs/common';
import { SessionMessageStore } from '../../storage/stores/session-message.store.js';
import { TurnRunner } from '../running/turn.runner.js';

/** Hands the stored messages of a thread to the turn that runs on it. */
@Injectable()
export class TurnSteering {
  constructor(
    private readonly messages: SessionMessageStore,
    private readonly runner: TurnRunner,
  ) {}

  /**
   * Assigns the thread's stored messages to its running turn and hands them to the agent. Without a running turn they stay stored, and
   * the next turn hears them. Resolves once they are assigned: whether the agent hears them in this turn, its log shows. Call it under
   * the thread's lock: on PostgreSQL, a turn that is created meanwhile would lock the same rows.
   */
  async steer(threadId: string): Promise<void> {
    const run = this.runner.runningTurn(threadId);
    if (run === undefined) return;
    run.steer(await this.messages.assign(run.turnId, Date.now()));
  }
}
