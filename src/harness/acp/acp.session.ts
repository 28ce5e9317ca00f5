import type { Logger } from '@nestjs/common';
import { Observable } from 'rxjs';
import type { AgentSettings } from '../../config/agent-settings.js';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { type Prompt, withHistory } from '../../domain/prompt.js';
import { renderSeed } from '../../domain/seed/render-seed.js';
import type { Sandbox } from '../../sandbox/sandbox.js';
import type { EarlyStart, HarnessSession, HarnessThread, HarnessTurn } from '../harness.js';
import { recallTurn } from '../lost-turn.js';
import { uploadFolder, writeUploads } from '../prompt/uploads.js';
import { AcpProcess, type OpenAcpSession, type WantedSession } from './conversation/acp-process.js';
import { type AcpState, beginAcpTurn, initialAcpState } from './decode/state.js';
import { type AcpDialect, findDialect } from './dialects/dialect.js';
import { describeAgentError, toAgentFailure } from './process/agent-error.js';
import { toAcpPrompt } from './prompt/acp-prompt.js';
import { askForSchema, FenceRemover } from './prompt/schema-answer.js';
import { AcpTurn } from './turn/acp-turn.js';
import { runPrompt } from './turn/read-turn.js';
import { planReplay, type ReplayPlan } from './resume/replay.js';

const STOP_GRACE_MS = 2_000;

/** One warm process of an agent with one session. The first turn starts it. */
export class AcpSession implements HarnessSession {
  readonly #process: AcpProcess;
  readonly #dialect: AcpDialect;
  #state: AcpState | undefined;
  /** The session that was emitted. */
  #emittedId: string | undefined;
  /** The session that is open while a turn runs. */
  #prompting: OpenAcpSession | undefined;
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
        if (running.isOver) this.#turn = undefined;
        subscriber.next(fences === undefined ? events : fences.apply(events));
        if (running.isOver) subscriber.complete();
      });
      this.#turn = running;
      this.#work = this.#work
        .then(() => this.#runTurn(turn, running))
        .catch((error: unknown) => {
          this.logger.warn(`failed to run a turn of thread ${this.thread.id}: ${describeAgentError(error)}`);
          running.emit([toAgentFailure(error)]);
        });
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
    if (this.#prompting === undefined) this.#turn.emit([{ type: 'turn-end', reason: 'interrupted' }]);
    else this.#prompting.agent.cancel(this.#prompting.sessionId);
  }

  close(): Promise<void> {
    this.#closing ??= this.#process.close(STOP_GRACE_MS);
    return this.#closing;
  }

  async #runTurn(turn: HarnessTurn, running: AcpTurn): Promise<void> {
    if (running.isOver) return;
    const open = await this.#process.open({ wanted: toWanted(turn), mcpServers: turn.mcpServers ?? [] });
    if (running.isOver) return;
    this.#emitSession(open, running);
    const state = beginAcpTurn(this.#stateOf(open, turn), turn.attempt);
    const plan = this.#plan(open, turn, state);
    running.emit(plan.events);
    if (plan.kind === 'over') return this.#process.keepTurn();
    const prompt = plan.kind === 'go-on' ? GO_ON : await this.#toPrompt(open, turn);
    await this.#send(
      open,
      plan.kind === 'go-on' ? { ...state, hasActed: true } : state,
      withSchema(prompt, turn),
      running,
    );
  }

  async #send(open: OpenAcpSession, state: AcpState, prompt: Prompt, running: AcpTurn): Promise<void> {
    const { agent, sessionId } = open;
    const { blocks, uploads } = toAcpPrompt(prompt, uploadFolder(this.thread), agent.capabilities.takesImages);
    await writeUploads(this.thread.files, uploads);
    if (running.isOver) return;
    this.#process.keepTurn();
    this.#prompting = open;
    try {
      const read = await runPrompt({ agent, sessionId, state, emit: running.emit }, blocks);
      this.#state = read.state;
      // What it has started would go on.
      if (agent.isCancelling && this.#dialect.leavesCommands) await this.#process.close(0);
      running.emit(read.events);
    } finally {
      this.#prompting = undefined;
    }
  }

  #emitSession({ sessionId }: OpenAcpSession, running: AcpTurn): void {
    if (this.#emittedId !== sessionId) running.emit([{ type: 'session-started', sessionId }]);
    this.#emittedId = sessionId;
  }

  #stateOf({ model }: OpenAcpSession, { mcpServers = [] }: HarnessTurn): AcpState {
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

const GO_ON: Prompt = [
  {
    type: 'text',
    text: 'Your process was ended in the middle of your work on the last message, and has been started again. Go on where you stopped. Do not repeat what has had its effect.',
  },
];

function withSchema(prompt: Prompt, { outputSchema }: HarnessTurn): Prompt {
  return outputSchema === undefined ? prompt : [...prompt, ...askForSchema(outputSchema)];
}

/** Turns cannot be cut out of a session: one that drops some begins anew, unless an earlier attempt of it has done so. */
function toWanted({ attempt, dropFrom, priorEvents = [] }: HarnessTurn): WantedSession {
  const hasBegun = priorEvents.some(({ type }) => type === 'session-started');
  if (dropFrom !== undefined && !hasBegun) return 'new';
  return attempt === 1 ? 'continued' : 'replayed';
}
