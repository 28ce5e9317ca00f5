import { Injectable } from '@nestjs/common';
import type { McpServer } from '../../domain/mcp-server.js';
import { HarnessGateway } from '../../harness/harness.gateway.js';
import { SparePool } from '../../harness/spares/spare-pool.js';
import { StoreClock } from '../../storage/database/store-clock.js';
import { DiskWatch } from '../../storage/disk-watch.js';
import { type BranchPoint, BranchStore, type NewBranch } from '../../storage/stores/branch.store.js';
import { SessionMessageStore } from '../../storage/stores/session-message.store.js';
import { isSideThread, type Thread } from '../../storage/stores/thread.store.js';
import type { Turn } from '../../storage/stores/turn.js';
import { readLoad, type ServerLoad } from '../matching/admission.js';
import { TurnMcpServers } from '../running/input/turn-mcp-servers.js';
import type { RunSlot } from '../running/run-queue.js';
import { TurnRunner } from '../running/turn.runner.js';
import {
  type NewThreadPlace,
  type PlacedThread,
  type RememberingThread,
  type SpareRequest,
  ThreadHost,
} from './thread-host.js';

/** This server, as the one that has a thread. */
@Injectable()
export class LocalThreadHost extends ThreadHost {
  constructor(
    private readonly runner: TurnRunner,
    private readonly gateway: HarnessGateway,
    private readonly spares: SparePool,
    private readonly messages: SessionMessageStore,
    private readonly branches: BranchStore,
    private readonly mcpServers: TurnMcpServers,
    private readonly disk: DiskWatch,
    private readonly clock: StoreClock,
  ) {
    super();
  }

  override readLoad(): Promise<ServerLoad> {
    return Promise.resolve(readLoad(this.runner, this.disk));
  }

  override async chooseForNew(spare: SpareRequest | undefined): Promise<NewThreadPlace> {
    return { node: undefined, spareId: spare === undefined ? undefined : await this.spares.claim(spare, spare.needs) };
  }

  override async releaseSpare({ spareId }: NewThreadPlace): Promise<void> {
    if (spareId !== undefined) await this.spares.release(spareId);
  }

  override async startEarly(thread: Thread): Promise<void> {
    // A side request has a thread of its own, which ends with it.
    if (isSideThread(thread) || !this.runner.hasTime) return;
    if (this.runner.runningTurn(thread.id) === undefined) await this.gateway.startEarly({ ...thread, tools: 'all' });
  }

  override place(thread: Thread): Promise<PlacedThread> {
    return Promise.resolve({ thread, storedWith: undefined });
  }

  override reserveSlot(thread: Thread): RunSlot | undefined {
    return this.runner.reserveSlot(thread);
  }

  override submit(thread: Thread, turn: Turn, mcpServers: readonly McpServer[] = []): Promise<void> {
    this.mcpServers.remember(turn.id, mcpServers);
    this.runner.submit(thread, turn);
    return Promise.resolve();
  }

  override interrupt(turn: Pick<Turn, 'id' | 'threadId'>): Promise<boolean> {
    return this.runner.interrupt(turn);
  }

  override stopThread(threadId: string): Promise<void> {
    return this.runner.stopThread(threadId);
  }

  override stopProcess(threadId: string): Promise<void> {
    return this.gateway.stop(threadId);
  }

  override removeFiles(threadId: string): Promise<void> {
    return this.gateway.remove(threadId);
  }

  override async split(
    threadId: string,
    branch: NewBranch,
    point: Omit<BranchPoint, 'now'>,
    lastSequence: number,
  ): Promise<Thread> {
    let thread: Thread | undefined;
    const accept = async (): Promise<void> => {
      thread = await this.branches.split(threadId, branch, { ...point, now: this.clock.now() });
    };
    await this.gateway.copyFiles(threadId, branch.id, accept, { generation: 0, turn: lastSequence });
    if (thread === undefined) throw new Error('unreachable: the files were copied and the thread was not split');
    return thread;
  }

  override remembers(thread: RememberingThread): Promise<boolean> {
    return this.gateway.remembers(thread);
  }

  override canSteer(threadId: string): Promise<boolean | undefined> {
    return Promise.resolve(this.gateway.canSteer(threadId));
  }

  override async steer(threadId: string): Promise<void> {
    const run = this.runner.runningTurn(threadId);
    if (run !== undefined) run.steer(await this.messages.assign(run.turnId, this.clock.now()));
  }
}
