import { hostname } from 'node:os';
import { Inject, Injectable } from '@nestjs/common';
import { Cluster } from '../cluster/cluster.module.js';
import { ThisNode } from '../cluster/this-node.js';
import { AppConfig } from '../config/app-config.js';
import { StoreClock } from '../storage/database/store-clock.js';
import { NodeStore, type NodeWithTimes } from '../storage/stores/node.store.js';
import { TurnStore } from '../storage/stores/turn.store.js';
import { OwnLoad } from '../turns/hosting/own-load.js';
import { type NodeView, sortNodes, toNodeView, toUnfinishedTurnView, type UnfinishedTurnView } from './node-views.js';

/** What runs where: the servers of the store, and the turns that run or wait. Every method rejects when the store cannot be reached. */
@Injectable()
export class NodesService {
  readonly #startedAt: number;

  constructor(
    @Inject(AppConfig) private readonly config: Pick<AppConfig, 'nodeName' | 'role'>,
    @Inject(Cluster) private readonly cluster: Cluster,
    private readonly self: ThisNode,
    private readonly load: OwnLoad,
    private readonly nodes: NodeStore,
    private readonly turns: TurnStore,
    private readonly clock: StoreClock,
  ) {
    this.#startedAt = clock.now();
  }

  /** All servers that the store knows; a lone server knows itself. */
  async listNodes(): Promise<readonly NodeView[]> {
    const nodes = this.cluster === undefined ? [this.#loneNode()] : await this.nodes.list();
    return sortNodes(nodes).map(toNodeView);
  }

  /** The first turns of all tenants that run or wait, and how many there are. */
  async listTurns({
    limit,
  }: {
    readonly limit: number;
  }): Promise<{ readonly data: readonly UnfinishedTurnView[]; readonly total: number }> {
    const { turns, total } = await this.turns.listUnfinished(limit);
    const lone = this.cluster === undefined ? this.self.id : undefined;
    return { data: turns.map((turn) => toUnfinishedTurnView(turn, lone)), total };
  }

  #loneNode(): NodeWithTimes {
    const now = this.clock.now();
    return {
      ...this.self.identity,
      name: this.config.nodeName ?? hostname(),
      role: this.config.role,
      url: '',
      state: this.load.isDraining ? 'draining' : 'up',
      load: this.load.read(),
      silentMs: 0,
      startedAt: this.#startedAt,
      seenAt: now,
    };
  }
}
