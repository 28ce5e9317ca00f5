import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@nestjs/common';
import { Observable } from 'rxjs';
import type { AgentSettings } from '../../config/agent-settings.js';
import type { CallerToolResult, CallerTools } from '../../domain/caller-tool.js';
import { type HarnessEvent, isTurnEnd } from '../../domain/harness-event.js';
import type { McpServer } from '../../domain/mcp-server.js';
import { type Prompt, withHistory } from '../../domain/prompt.js';
import { renderSeed } from '../../domain/seed/render-seed.js';
import type { Sandbox } from '../../sandbox/sandbox.js';
import type { EarlyStart, HarnessSession, HarnessThread, HarnessTurn } from '../harness.js';
import { recallTurn } from '../lost-turn.js';
import { toResultsPrompt } from '../prompt/results-prompt.js';
import { FenceRemover, withSchema } from '../prompt/schema-answer.js';
import { uploadFolder, writeUploads } from '../prompt/uploads.js';
import { ServedTools } from './caller-tools/served-tools.js';
import { AcpProcess, type OpenAcpSession } from './conversation/acp-process.js';
import { type AcpState, beginAcpTurn, initialAcpState } from './decode/state.js';
import { type AcpDialect, findDialect } from './dialects/dialect.js';
import { describeAgentError, toAgentFailure } from './process/agent-error.js';
import { toAcpPrompt } from './prompt/acp-prompt.js';
import { AcpTurn } from './turn/acp-turn.js';
import { RunningPrompt } from './turn/running-prompt.js';
import { CALLS_NOT_RUN, GO_ON_PROMPT, toWanted, withWords } from './turn/turn-words.js';
import { planReplay, type ReplayPlan } from './resume/replay.js';

const STOP_GRACE_MS = 2_000;
const INTERRUPTED: HarnessEvent = { type: 'turn-end', reason: 'interrupted' };
/** How long before an agent would give up a call of the caller's tools its process ends. */
const CALL_MARGIN_MS = 5_000;

/** One warm process of an agent with one session. The first turn starts it. */
export class AcpSession implements HarnessSession {
  readonly #process: AcpProcess;
  readonly #dialect: AcpDialect;
  #state: AcpState | undefined;
  /** The session that was emitted. */
  #emittedId: string | undefined;
  readonly #tools: ServedTools;
  /** What the agent works on: the prompt of the running turn, or of one that waits for the caller's tools. */
  #prompt: RunningPrompt | undefined;
  /** Ends the process before the agent gives up the calls that wait. */
  #callLimit: NodeJS.Timeout | undefined;
  #turn: AcpTurn | undefined;
  /** The turn before, which may be over for its reader and not for its agent. */
  #work: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(
    private readonly thread: HarnessThread,
    agent: AgentSettings,
    command: string,
    sandbox: Sandbox,
    private readonly logger: Logger,
  ) {
    this.#process = new AcpProcess(thread, agent, command, sandbox, logger);
    this.#dialect = findDialect(agent.dialect);
    this.#tools = new ServedTools(thread, {
      onArrival: (call) => this.#prompt?.output.addCall(call) ?? call.id,
      onEnd: (callId) => this.#endCall(callId),
    });
  }

  async startEarly(): Promise<EarlyStart | undefined> {
    try {
      return await this.#process.startEarly();
    } catch (error) {
      this.logger.warn(`failed to start an agent ahead of its turn: ${describeAgentError(error)}`);
      return undefined;
    }
  }

  adopt(thread: HarnessThread): void {
    this.#process.adopt(thread);
  }

  get alive(): boolean {
    return this.#process.isAlive && this.#closing === undefined;
  }

  run(turn: HarnessTurn): Observable<readonly HarnessEvent[]> {
    return new Observable((subscriber) => {
      const fences = turn.outputSchema === undefined ? undefined : new FenceRemover();
      const running: AcpTurn = new AcpTurn((events) => {
        if (running.isOver) this.#end(events);
        subscriber.next(fences === undefined ? events : fences.apply(events));
        if (running.isOver) subscriber.complete();
      });
      this.#turn = running;
      this.#work = this.#work
        .then(() => this.#runTurn(turn, running))
        .catch((error: unknown) => running.emit([this.#toFailure(error)]));
      return () => {
        if (running.isOver) return;
        running.abandon();
        void this.close();
      };
    });
  }

  interrupt(): void {
    if (this.#turn === undefined) return;
    this.#turn.interruptRequested = true;
    if (this.#prompt === undefined) this.#turn.emit([INTERRUPTED]);
    else this.#prompt.cancel();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#callLimit);
    // One that has time to stop makes up results: of the calls that wait for the caller, and of tools that run.
    const isCutOff = this.#turn !== undefined || this.#prompt?.output.isParked === true;
    await this.#process.close(isCutOff ? 0 : STOP_GRACE_MS);
    await this.#tools.close();
  }

  #end(events: readonly HarnessEvent[]): void {
    this.#turn = undefined;
    const isWaiting = events.some(
      (event) => isTurnEnd(event) && event.type === 'turn-end' && event.reason === 'tool_use',
    );
    const { callLimitMs } = this.#dialect;
    if (isWaiting && callLimitMs !== undefined)
      this.#callLimit = setTimeout(() => void this.close(), callLimitMs - CALL_MARGIN_MS).unref();
  }

  /** A call ended without a result. An agent that goes on while its turn waits is stopped: nobody would hear what it does. */
  #endCall(callId: string): void {
    const isParked = this.#prompt?.output.isParked === true;
    this.#prompt?.output.removeCall(callId);
    if (isParked) void this.close();
  }

  async #runTurn(turn: HarnessTurn, running: AcpTurn): Promise<void> {
    clearTimeout(this.#callLimit);
    if (running.isOver) return;
    const { toolResults, callerTools } = turn;
    const parked = this.#prompt;
    if (toolResults !== undefined && parked?.output.waitsFor(toolResults.map(({ callId }) => callId)) === true) {
      if (this.#tools.serves(callerTools)) return this.#goOn(parked, turn, toolResults, running);
    }
    if (parked !== undefined) await this.#leave(parked);
    // An interrupt meanwhile went to the prompt that was left.
    if (running.interruptRequested) running.emit([INTERRUPTED]);
    if (running.isOver) return;
    const server = await this.#tools.serve(callerTools, turn.id);
    const mcpServers = [...(turn.mcpServers ?? []), ...(server === undefined ? [] : [server])];
    const open = await this.#process.open({ wanted: toWanted(turn), mcpServers });
    if (running.isOver) return;
    this.#emitSession(open, running);
    const state = beginAcpTurn(this.#stateOf(open, mcpServers), turn.attempt);
    const words = await toResultsPrompt(turn);
    const told = { ...turn, prompt: parked === undefined ? words : [...CALLS_NOT_RUN, ...words] };
    const plan = this.#plan(open, told, state);
    running.emit(plan.events);
    if (plan.kind === 'over') return this.#process.keepTurn();
    const prompt = plan.kind === 'go-on' ? GO_ON_PROMPT : await this.#toPrompt(open, told);
    await this.#send(
      open,
      plan.kind === 'go-on' ? { ...state, hasActed: true } : state,
      withSchema(prompt, turn.outputSchema),
      {
        callerTools,
        running,
      },
    );
  }

  /** Hands the results to the calls that wait, and goes on in the turn that brought them. */
  async #goOn(
    prompt: RunningPrompt,
    turn: HarnessTurn,
    results: readonly CallerToolResult[],
    running: AcpTurn,
  ): Promise<void> {
    const words = withHistory(renderSeed(turn.seed ?? []), turn.prompt);
    this.#tools.answer(withWords(results, words), turn.id);
    prompt.continueIn(running);
    await prompt.untilRead();
  }

  /** Ends a prompt whose calls get no results. */
  async #leave(prompt: RunningPrompt): Promise<void> {
    prompt.output.leave();
    prompt.cancel();
    await Promise.race([prompt.done, delay(STOP_GRACE_MS)]);
    if (this.#prompt !== undefined) await this.#process.stop(0);
    this.#prompt = undefined;
  }

  async #send(
    open: OpenAcpSession,
    state: AcpState,
    prompt: Prompt,
    { callerTools, running }: { readonly callerTools: CallerTools | undefined; readonly running: AcpTurn },
  ): Promise<void> {
    const { agent } = open;
    const { blocks, uploads } = toAcpPrompt(prompt, uploadFolder(this.thread), agent.capabilities.takesImages);
    await writeUploads(this.thread.files, uploads);
    if (running.isOver) return;
    this.#process.keepTurn();
    const onDone = async (next: AcpState): Promise<void> => {
      this.#state = next;
      // What it has started would go on.
      if (agent.isCancelling && this.#dialect.leavesCommands) await this.#process.close(0);
    };
    const toFailure = (error: unknown): HarnessEvent => this.#toFailure(error);
    const sent = new RunningPrompt({ open, state, callerTools, onDone, toFailure }, blocks, running);
    this.#prompt = sent;
    void sent.done.then(() => {
      if (this.#prompt === sent) this.#prompt = undefined;
    });
    await sent.untilRead();
  }

  #toFailure(error: unknown): HarnessEvent {
    this.logger.warn(`failed to run a turn of thread ${this.thread.id}: ${describeAgentError(error)}`);
    return toAgentFailure(error);
  }

  #emitSession({ sessionId }: OpenAcpSession, running: AcpTurn): void {
    if (this.#emittedId !== sessionId) running.emit([{ type: 'session-started', sessionId }]);
    this.#emittedId = sessionId;
  }

  #stateOf({ model }: OpenAcpSession, mcpServers: readonly McpServer[]): AcpState {
    const names = mcpServers.map(({ name }) => name);
    const known = this.#state ?? initialAcpState(this.#dialect, { model, mcpServers: names });
    return { ...known, mcpServers: names };
  }

  /** How an attempt goes on that is not the first one; the first one has nothing to go on from. */
  #plan({ isNew, replay }: OpenAcpSession, turn: HarnessTurn, state: AcpState): ReplayPlan {
    if (turn.attempt === 1 || isNew) return { kind: 'prompt', events: [] };
    return planReplay(replay, turn, state);
  }

  /** What is told a session: its turn's prompt, after what its record lacks. */
  async #toPrompt({ isNew, preamble }: OpenAcpSession, turn: HarnessTurn): Promise<Prompt> {
    // A record that lacks the prompt of a turn which has done something has lost that, too.
    const { seed, prompt } = await recallTurn(isNew ? turn : { ...turn, seed: turn.seed ?? [] });
    const told = withHistory(renderSeed(seed), prompt);
    return preamble === undefined ? told : [{ type: 'text', text: preamble }, ...told];
  }
}
