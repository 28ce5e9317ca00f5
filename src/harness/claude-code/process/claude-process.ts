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
  parseControlResponse,
  toControlReply,
  toInitializeLine,
} from './control-channel.js';
import { hasControlChannel, type ProcessSetup } from './process-setup.js';

const STOP_GRACE_MS = 3_000;
/** It takes some tens of milliseconds (2.1.330, seen). */
const REQUEST_TIMEOUT_MS = 5_000;

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
  /** Requests of the server on the control channel that Claude Code has not answered, by their ids. */
  private readonly asked = new Map<string, (isGranted: boolean) => void>();

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

  /** Sends a request on the control channel. Resolves to whether Claude Code did it; false also when the process ends, or says nothing for too long. */
  async request(request: JsonObject): Promise<boolean> {
    const id = randomUUID();
    const answer = new Promise<boolean>((resolve) => this.asked.set(id, resolve));
    this.writeLine(JSON.stringify({ type: 'control_request', request_id: id, request }));
    const timer = setTimeout(() => this.settleRequest(id, false), REQUEST_TIMEOUT_MS);
    const isGranted = await answer;
    clearTimeout(timer);
    return isGranted;
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

  /** Stops the program, and ignores what it writes until then. */
  async discard(): Promise<void> {
    this.isReplaced = true;
    await this.stop();
  }

  private settleRequest(id: string, isGranted: boolean): void {
    this.asked.get(id)?.(isGranted);
    this.asked.delete(id);
  }

  private end(exit: SandboxExit): void {
    this.output.close();
    for (const id of this.asked.keys()) this.settleRequest(id, false);
    this.server?.close().catch((error: unknown) => this.logFailure(error));
    if (!this.isReplaced) this.listener.onExit(exit);
  }

  private read(lines: readonly string[]): void {
    if (this.asked.size > 0) for (const line of lines) this.takeAnswer(line);
    const rest = hasControlChannel(this.setup) ? lines.filter((line) => !this.takeRequest(line)) : lines;
    this.output.read(rest);
    this.listener.onRead();
  }

  private takeAnswer(line: string): void {
    const answer = parseControlResponse(line);
    if (answer !== undefined) this.settleRequest(answer.id, answer.isSuccess);
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
