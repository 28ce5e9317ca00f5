import { Injectable, Logger } from '@nestjs/common';
import type { McpServer } from '../../domain/mcp-server.js';
import { ThisNode } from '../../cluster/this-node.js';
import { ThreadStore } from '../../storage/stores/thread.store.js';
import { hasEnded } from '../../storage/stores/turn.js';
import { TurnStore } from '../../storage/stores/turn.store.js';
import { TurnMcpServers } from '../running/input/turn-mcp-servers.js';
import { TurnRunner } from '../running/turn.runner.js';

/** Finds the turns that this server has to run and does not know of: from before its start, placed by others, or told of in vain. */
@Injectable()
export class Recovery {
  private readonly logger = new Logger(Recovery.name);
  #isRunning = false;

  constructor(
    private readonly node: ThisNode,
    private readonly threads: ThreadStore,
    private readonly turns: TurnStore,
    private readonly runner: TurnRunner,
    private readonly mcpServers: TurnMcpServers,
  ) {}

  /** Takes all turns that an earlier start of a lone server left, and removes the inputs of those that it did not come to store. */
  async takeAll(): Promise<void> {
    await this.turns.removeStrayInputs();
    for (const turn of await this.turns.unfinished()) {
      const thread = await this.threads.byId(turn.threadId);
      if (thread !== undefined) this.runner.submit(thread, turn);
    }
  }

  /** Takes the turns of the threads that this one of several servers has, and interrupts those that are to be. Never rejects. */
  async takeOwn(): Promise<void> {
    if (this.#isRunning || this.runner.draining || !this.node.isActive) return;
    this.#isRunning = true;
    try {
      for (const { id, threadId, isInterrupted } of await this.turns.unfinishedOf(this.node.id)) {
        // One with a reserved slot was just stored here, and is about to be submitted.
        if (this.runner.hasReservedSlot(threadId)) continue;
        if (!this.runner.knows(id)) await this.take(id);
        else if (isInterrupted) await this.#interrupt(id);
      }
    } catch (error) {
      this.logger.warn({ err: error }, 'failed to look for turns of this server');
    } finally {
      this.#isRunning = false;
    }
  }

  /** Takes a stored turn of a thread that this server has, unless it has it. False if another one has the thread, or the turn has ended. */
  async take(turnId: string, mcpServers: readonly McpServer[] = []): Promise<boolean> {
    if (this.runner.draining || !this.node.isActive) return false;
    const turn = await this.turns.byId(turnId);
    const thread = turn === undefined ? undefined : await this.threads.byId(turn.threadId);
    if (turn === undefined || thread?.node !== this.node.id || hasEnded(turn.state)) return false;
    this.mcpServers.remember(turnId, mcpServers);
    this.runner.submit(thread, turn);
    return true;
  }

  async #interrupt(turnId: string): Promise<void> {
    const turn = await this.turns.byId(turnId);
    if (turn?.state === 'running') await this.runner.interrupt(turn);
  }
}
