import type { CallerTool, CallerToolCall, CallerToolResult, CallerTools } from '../../domain/caller-tool.js';
import { type CallerServer, startCallerServer } from './caller-server.js';
import { findInputProblem } from './check-input.js';
import { declareTools } from './declarations.js';
import { toServerToolName } from './names.js';
import { type McpResult, toMcpError, toMcpResult } from './results.js';

/** What becomes of the calls of the caller's tools. */
export interface CallListener {
  /** A call waits for its result. */
  onArrival(call: CallerToolCall): void;
  /** A call ended without a result of the caller: it was refused, or the agent has given it up. */
  onEnd(callId: string): void;
  /** The turn that runs, to mark an error that the agent gets at once. */
  turnId(): string;
}

/** The calls of the caller's tools in one process, and the server that takes them. */
export class CallerCalls {
  private readonly waiting = new Map<string, (result: McpResult) => void>();
  private readonly tools: ReadonlyMap<string, CallerTool>;
  private constructor(
    tools: CallerTools,
    private readonly listener: CallListener,
  ) {
    this.tools = new Map(tools.tools.map((tool) => [toServerToolName(tool.name), tool]));
  }

  /** Starts the server for these tools. */
  static async start(tools: CallerTools, listener: CallListener): Promise<[CallerCalls, CallerServer]> {
    const calls = new CallerCalls(tools, listener);
    const server = await startCallerServer(declareTools(tools), (call, signal) => calls.take(call, signal));
    return [calls, server];
  }

  /** Gives the caller's results to the calls that wait for them. */
  answer(results: readonly CallerToolResult[], turnId: string): void {
    for (const result of results) {
      this.waiting.get(result.callId)?.(toMcpResult(result, turnId));
      this.waiting.delete(result.callId);
    }
  }

  private async take(call: CallerToolCall, signal: AbortSignal): Promise<McpResult> {
    const tool = this.tools.get(call.name);
    const problem = tool === undefined ? 'The caller has no such tool.' : await findInputProblem(tool, call.input);
    if (tool === undefined || problem !== undefined) {
      this.listener.onEnd(call.id);
      return toMcpError(problem ?? '', this.listener.turnId());
    }
    const result = new Promise<McpResult>((resolve) => this.waiting.set(call.id, resolve));
    signal.addEventListener('abort', () => {
      this.waiting.delete(call.id);
      this.listener.onEnd(call.id);
    });
    this.listener.onArrival({ ...call, name: tool.name });
    return result;
  }
}
