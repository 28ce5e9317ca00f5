import { createHash } from 'node:crypto';
import type { AgentEndpoint } from '../../../broker/broker.service.js';
import type { CallerToolCall, CallerToolResult, CallerTools } from '../../../domain/caller-tool.js';
import type { McpServer } from '../../../domain/mcp-server.js';
import { CallerCalls } from '../../caller-mcp/caller-calls.js';
import { CALLER_MCP_SERVER } from '../../caller-mcp/names.js';
import { declareTools } from '../../caller-mcp/declarations.js';
import type { HarnessThread } from '../../harness.js';

/** What becomes of the calls. */
export interface ServedCallListener {
  /** A call waits for its result. Returns the id by which it is known from now on. */
  onArrival(call: CallerToolCall): string;
  /** A call ended without a result of the caller: it was refused, or the agent has given it up. */
  onEnd(callId: string): void;
}

interface Served {
  readonly key: string;
  readonly calls: CallerCalls;
  readonly endpoint: AgentEndpoint;
  readonly close: () => Promise<void>;
}

/** The caller's tools of a thread as an MCP server of this process. The same tools keep the same server, so that an agent's session can go on. */
export class ServedTools {
  #served: Served | undefined;
  /** Ids of calls as our server has them, by those by which they are known. */
  readonly #ids = new Map<string, string>();
  #turnId = '';

  constructor(
    private readonly thread: Pick<HarnessThread, 'serveMcp'>,
    private readonly listener: ServedCallListener,
  ) {}

  /**
   * The server with these tools for the agent; `undefined` without tools. Other tools than before have another server.
   *
   * @throws if the server of this process cannot listen
   */
  async serve(tools: CallerTools | undefined, turnId: string): Promise<McpServer | undefined> {
    this.#turnId = turnId;
    const key = tools === undefined ? '' : toToolsKey(tools);
    if (this.#served?.key !== key) {
      await this.close();
      if (tools !== undefined) this.#served = await this.#start(tools, key);
    }
    if (this.#served === undefined) return undefined;
    const { url, headers } = this.#served.endpoint;
    return { name: CALLER_MCP_SERVER, url, headers, allowedTools: undefined };
  }

  /** Whether the agent has exactly these tools. */
  serves(tools: CallerTools | undefined): boolean {
    return this.#served?.key === (tools === undefined ? undefined : toToolsKey(tools));
  }

  /** Gives the caller's results to the calls that wait for them. */
  answer(results: readonly CallerToolResult[], turnId: string): void {
    this.#turnId = turnId;
    const own = results.map((result) => ({ ...result, callId: this.#ids.get(result.callId) ?? result.callId }));
    for (const { callId } of results) this.#ids.delete(callId);
    this.#served?.calls.answer(own, turnId);
  }

  /** Ends the server: what waits there gets no answer. */
  async close(): Promise<void> {
    const served = this.#served;
    this.#served = undefined;
    this.#ids.clear();
    served?.endpoint.close();
    await served?.close();
  }

  async #start(tools: CallerTools, key: string): Promise<Served> {
    const { serveMcp } = this.thread;
    if (serveMcp === undefined) throw new Error('no server for the tools of the caller');
    const [calls, server] = await CallerCalls.start(tools, {
      onArrival: (call) => this.#ids.set(this.listener.onArrival(call), call.id),
      onEnd: (callId) => this.listener.onEnd(this.#knownId(callId)),
      turnId: () => this.#turnId,
    });
    return { key, calls, endpoint: await serveMcp(server), close: () => server.close() };
  }

  #knownId(callId: string): string {
    return [...this.#ids].find(([, own]) => own === callId)?.[0] ?? callId;
  }
}

/** What the agent is told of its tools. */
function toToolsKey(tools: CallerTools): string {
  return createHash('sha256')
    .update(JSON.stringify(declareTools(tools)))
    .digest('hex');
}
