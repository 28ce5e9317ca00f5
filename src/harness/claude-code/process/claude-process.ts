import { randomUUID } from 'node:crypto';
import type { Logger } from '@nestjs/common';
import type { CallerToolResult } from '../../../domain/caller-tool.js';
import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asObject } from '../../../domain/json.js';
import type { Sandbox, SandboxCommand, SandboxExit, SandboxProcess } from '../../../sandbox/sandbox.js';
import { AgentOutput } from '../agent-output.js';
import { toInterruptLine, toWithdrawLine } from './command-line.js';
import { CallerCalls } from '../../caller-mcp/caller-calls.js';
import type { CallerServer } from '../../caller-mcp/caller-server.js';
import { CALLER_MCP_SERVER, toOwnNames } from '../../caller-mcp/names.js';
import {
  answerToolFilter,
  type ControlRequest,
  parseControlRequest,
  toControlReply,
  toInitializeLine,
} from './control-channel.js';
import { PendingBinding } from './pending-binding.js';
import { hasControlChannel, type ProcessSetup } from './process-setup.js';

const STOP_GRACE_MS = 3_000;

/** What a process tells its session. */
export interface ProcessListener {
  onEvents(events: readonly HarnessEvent[]): void;
  /** After lines were read, whether they had events or not. */
  onRead(): void;
  onExit(exit: SandboxExit): void;
  /** The turn that runs. */
  turnId(): string;
}

/** One process of Claude Code, with the control channel for the caller's tools and MCP servers if its turns have any. */
export class ClaudeProcess {
  readonly output: AgentOutput;
  private process: SandboxProcess | undefined;
  private calls: CallerCalls | undefined;
  private server: CallerServer | undefined;
  /** Set once another process takes its place: what it still writes is ignored. */
  private isReplaced = false;
  private binding: PendingBinding | undefined;

  constructor(
    readonly setup: ProcessSetup,
    private readonly listener: ProcessListener,
    private readonly logger: Pick<Logger, 'warn' | 'error'>,
  ) {
    const { callerTools } = setup;
    this.output = new AgentOutput({
      toOwnName: callerTools === undefined ? undefined : toOwnNames(callerTools),
      allowsParallelCalls: callerTools?.allowsParallelCalls ?? true,
      onEvents: (events) => listener.onEvents(events),
      onWithdraw: (uuid) => this.writeLine(toWithdrawLine(randomUUID(), uuid)),
      onBadLine: (length) => logger.warn(`ignored a line of ${length} characters from Claude Code: not JSON`),
    });
  }

  /** Prepares the caller's tools. Call it before {@link start}. */
  async prepare(): Promise<void> {
    const { callerTools } = this.setup;
    if (callerTools === undefined) return;
    [this.calls, this.server] = await CallerCalls.start(callerTools, {
      onArrival: (call) => this.output.addCall(call),
      onEnd: (callId) => this.output.removeCall(callId),
      turnId: () => this.listener.turnId(),
    });
  }

  /** Starts the program. */
  start(sandbox: Pick<Sandbox, 'spawn'>, command: SandboxCommand): void {
    const process = sandbox.spawn(command);
    this.process = process;
    const linesEnd = new Promise<void>((resolve) => {
      process.lines$.subscribe({ next: (lines) => this.isReplaced || this.read(lines), complete: resolve });
    });
    void Promise.all([process.exit, linesEnd]).then(([exit]) => this.end(exit));
    const { mcpServers } = this.setup;
    if (!hasControlChannel(this.setup)) return;
    this.writeLine(toInitializeLine(randomUUID(), { callerServer: this.server?.manifest, mcpServers }));
  }

  /** Writes a line to the program. */
  writeLine(line: string): void {
    this.process?.writeLine(line);
  }

  /**
   * Sends requests on the control channel that the process has to grant before it counts as the thread's: until then, nothing of what it writes is read.
   *
   * @param onRefused called if it refuses one, or says nothing for too long; not if it ends
   */
  bind(requests: readonly JsonObject[], onRefused: () => void): void {
    const binding = new PendingBinding(requests, onRefused);
    this.binding = binding;
    for (const line of binding.lines) this.writeLine(line);
  }

  /** Gives the caller's results to the calls that wait for them. */
  answerCalls(results: readonly CallerToolResult[], turnId: string): void {
    this.calls?.answer(results, turnId);
  }

  /**
   * Stops the program; what it writes until then is read. Calls that wait are interrupted: of a call that is only cut off, by the end of
   * its input, Claude Code 2.1.330 tells the model, which it calls once more (seen).
   */
  async stop(): Promise<void> {
    if (this.output.isWaiting) this.writeLine(toInterruptLine(randomUUID()));
    await this.process?.stop(STOP_GRACE_MS);
  }

  /** Kills the program at once, with all that it has started. */
  async kill(): Promise<void> {
    await this.process?.stop(0);
  }

  /** Stops the program, and ignores what it writes until then. */
  async discard(): Promise<void> {
    this.isReplaced = true;
    await this.stop();
  }

  private end(exit: SandboxExit): void {
    this.output.close();
    this.binding?.close();
    this.server?.close().catch((error: unknown) => this.logFailure(error));
    if (!this.isReplaced) this.listener.onExit(exit);
  }

  private read(written: readonly string[]): void {
    const lines = this.binding === undefined ? written : this.binding.read(written);
    if (this.binding?.isGranted === true) this.binding = undefined;
    const rest = hasControlChannel(this.setup) ? lines.filter((line) => !this.takeRequest(line)) : lines;
    this.output.read(rest);
    this.listener.onRead();
  }

  /** Whether the line is a request of Claude Code, which is answered then. */
  private takeRequest(line: string): boolean {
    const request = parseControlRequest(line);
    if (request === undefined) return false;
    this.answer(request).catch((error: unknown) => this.logFailure(error));
    return true;
  }

  private async answer({ id, request }: ControlRequest): Promise<void> {
    const reply = await this.findReply(request);
    if (reply !== undefined) this.writeLine(toControlReply(id, reply));
  }

  private async findReply(request: JsonObject): Promise<JsonObject | undefined> {
    if (request['subtype'] === 'hook_callback') return answerToolFilter(request, this.setup.mcpServers);
    if (request['subtype'] !== 'mcp_message' || request['server_name'] !== CALLER_MCP_SERVER) return undefined;
    const message = await this.server?.answer(asObject(request['message']));
    return message === undefined ? undefined : { mcp_response: message };
  }

  private logFailure(error: unknown): void {
    this.logger.error(`failed to answer Claude Code: ${error instanceof Error ? error.name : 'unknown error'}`);
  }
}
