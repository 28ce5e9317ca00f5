import { Inject, Injectable } from '@nestjs/common';
import { AppConfig } from '../../../config/app-config.js';
import type { McpServer } from '../../../domain/mcp-server.js';
import { HarnessRegistry } from '../../../harness/harness.registry.js';
import type { Thread } from '../../../storage/stores/thread.store.js';
import type { Turn } from '../../../storage/stores/turn.js';
import { readMcpServers } from './stored-request.js';

/**
 * The MCP servers of turns: the deployment's, and those of a turn's request. The headers of the latter hold the caller's tokens, so they
 * are kept in memory only, until the turn has ended; a turn that another server resumes uses those servers without them.
 */
@Injectable()
export class TurnMcpServers {
  readonly #headers = new Map<string, ReadonlyMap<string, McpServer['headers']>>();

  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly registry: HarnessRegistry,
  ) {}

  /** Keeps the headers of a turn's servers until {@link forget}. */
  remember(turnId: string, servers: readonly McpServer[]): void {
    if (servers.length > 0) this.#headers.set(turnId, new Map(servers.map(({ name, headers }) => [name, headers])));
  }

  /** Call when the turn has ended. */
  forget(turnId: string): void {
    this.#headers.delete(turnId);
  }

  /** The servers of a turn's agent. Empty for an agent that cannot be given any. */
  ofTurn(turn: Turn, thread: Pick<Thread, 'harness'>): readonly McpServer[] {
    if (this.registry.find(thread.harness)?.takesMcpServers !== true) return [];
    const headers = this.#headers.get(turn.id);
    const own = readMcpServers(turn).map((server) => ({ ...server, headers: headers?.get(server.name) ?? {} }));
    return [...this.config.mcpServers, ...own];
  }
}
