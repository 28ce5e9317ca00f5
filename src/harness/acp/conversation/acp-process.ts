// A little over 250 lines because it holds every way to the process and its session.
import { createHash } from 'node:crypto';
import type { Logger } from '@nestjs/common';
import type { AgentSettings } from '../../../config/agent-settings.js';
import type { JsonObject } from '../../../domain/harness-event.js';
import { asString } from '../../../domain/json.js';
import type { McpServer } from '../../../domain/mcp-server.js';
import type { Sandbox } from '../../../sandbox/sandbox.js';
import type { EarlyStart, HarnessThread } from '../../harness.js';
import { isProcessGone, JsonRpcTimeoutError } from '../../json-rpc/json-rpc-error.js';
import { findAddedVariables } from '../../spares/added-variables.js';
import { NotStartedError } from '../../start-failure.js';
import { type AcpDialect, findDialect } from '../dialects/dialect.js';
import { AcpAgent } from '../process/acp-agent.js';
import { describeAgentError } from '../process/agent-error.js';
import { toLateEnvironment, writeLateVariables } from '../process/late-variables.js';
import { untilQuiet } from '../process/quiet.js';
import { type AgentInstructions, giveInstructions } from './agent-instructions.js';
import { applySettings, assertMcpServers } from './open-checks.js';
import { restoreSettings } from './restore-settings.js';
import { readOpenedAt, writeRecordNote } from './record-note.js';
import { readSessionModel, toSessionParameters } from './session-parameters.js';

const STOP_GRACE_MS = 2_000;
const MINUTE_MS = 60_000;

/** How a turn wants its session. */
export type WantedSession =
  /** Without anything of earlier turns. */
  | 'new'
  /** As the turns before have left it. */
  | 'continued'
  /** The same, with all that is in the agent's record. */
  | 'replayed';

/** A session that is open in a process. */
export interface OpenAcpSession {
  readonly agent: AcpAgent;
  readonly sessionId: string;
  /** Whether it has nothing of earlier turns. */
  readonly isNew: boolean;
  /** The model that it has, as far as that is known. */
  readonly model: string;
  /** The updates by which the agent told its record; empty unless they were wanted. */
  readonly replay: readonly JsonObject[];
  /** What the first prompt of a new session has to begin with. */
  readonly preamble: string | undefined;
}

/** What a session is opened with. */
interface OpenRequest {
  readonly wanted: WantedSession;
  readonly mcpServers: readonly McpServer[];
}

/** The process of a thread's session. Other MCP servers take another process. */
export class AcpProcess {
  readonly #dialect: AcpDialect;
  #agent: Promise<AcpAgent> | undefined;
  #open: OpenAcpSession | undefined;
  #key = '';
  #sessionId: string | undefined;
  #isAlive = true;
  /** The variables of the process that was started last. */
  #startedWith: Readonly<Record<string, string>> = {};
  /** Told when the process is gone that was started before the first turn, and had no session yet. */
  #onEarlyGone: (() => void) | undefined;

  constructor(
    private thread: HarnessThread,
    private readonly settings: AgentSettings,
    private readonly command: string,
    private readonly sandbox: Sandbox,
    private readonly logger: Logger,
  ) {
    this.#sessionId = thread.sessionId;
    this.#dialect = findDialect(settings.dialect);
  }

  /** False once the process has exited by itself, or is closing. */
  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Starts the process before the first {@link open}. Throws as that does. */
  async startEarly(): Promise<EarlyStart> {
    const gone = new Promise<void>((resolve) => (this.#onEarlyGone = resolve));
    await this.#start();
    return { gone };
  }

  /** Says which thread the process is for that was started for a spare one. */
  adopt(thread: HarnessThread): void {
    this.thread = thread;
    this.#sessionId = thread.sessionId;
  }

  /**
   * Opens the session as the turn wants it; a session whose record is lost becomes a new one.
   *
   * @throws JsonRpcError, JsonRpcTimeoutError, ProtocolVersionError, NotStartedError, TurnRefusedError
   */
  async open({ wanted, mcpServers }: OpenRequest): Promise<OpenAcpSession> {
    const key = toKey(mcpServers);
    if (this.#open !== undefined && wanted === 'continued' && key === this.#key) return this.#open;
    if (this.#open !== undefined) await this.stop(STOP_GRACE_MS);
    await this.#fitEarly();
    this.#key = key;
    const sessionId = wanted === 'new' ? undefined : this.#sessionId;
    const open =
      (sessionId === undefined ? undefined : await this.#takeUp(sessionId, wanted === 'replayed', mcpServers)) ??
      (await this.#begin(mcpServers));
    this.#open = open;
    this.#sessionId = open.sessionId;
    this.#onEarlyGone = undefined;
    await writeRecordNote(this.thread.files, open.sessionId, Date.now());
    return open;
  }

  /** Notes that the session has a turn now, so that it is not new any more. */
  keepTurn(): void {
    if (this.#open !== undefined) this.#open = { ...this.#open, isNew: false, replay: [], preamble: undefined };
  }

  /** Stops the process; the next {@link open} starts another one. */
  async stop(graceMs: number): Promise<void> {
    const starting = this.#agent;
    this.#agent = undefined;
    this.#open = undefined;
    await (await starting?.catch(() => undefined))?.stop(graceMs);
  }

  /** Stops the process for good. */
  async close(graceMs: number): Promise<void> {
    this.#isAlive = false;
    await this.stop(graceMs);
  }

  async #begin(mcpServers: readonly McpServer[]): Promise<OpenAcpSession> {
    const agent = await this.#start();
    assertMcpServers(agent.capabilities, mcpServers);
    const { instructions, params } = await this.#prepare(agent, mcpServers);
    const answer = await agent.openSession('new', params);
    const sessionId = asString(answer['sessionId']);
    if (sessionId === undefined) throw new Error('the agent has opened a session without a name');
    await applySettings(agent, this.settings, { sessionId, model: this.thread.model }, this.logger);
    return {
      agent,
      sessionId,
      isNew: true,
      model: this.#modelOf(answer),
      replay: [],
      preamble: instructions.by === 'prompt' ? instructions.text : undefined,
    };
  }

  /** Takes an earlier session up; `undefined` if the agent cannot, or has lost it. */
  async #takeUp(
    sessionId: string,
    isReplayed: boolean,
    mcpServers: readonly McpServer[],
  ): Promise<OpenAcpSession | undefined> {
    const agent = await this.#start();
    assertMcpServers(agent.capabilities, mcpServers);
    const { loads, resumes } = agent.capabilities;
    const method = resumes && !isReplayed ? 'resume' : loads ? 'load' : undefined;
    if (method === undefined) return undefined;
    const replay: JsonObject[] = [];
    const listening = agent.messages$.subscribe((batch) => {
      for (const { type, sessionId: from, content } of batch)
        if (type === 'update' && from === sessionId && isReplayed) replay.push(content);
    });
    try {
      const { params } = await this.#prepare(agent, mcpServers);
      if (await this.#isTooYoung(sessionId)) return undefined;
      const answer = await agent.openSession(method, { sessionId, ...params });
      await applySettings(agent, this.settings, { sessionId, model: this.thread.model }, this.logger);
      await untilQuiet(agent.messages$);
      return { agent, sessionId, isNew: false, model: this.#modelOf(answer), replay, preamble: undefined };
    } catch (error) {
      await this.#giveUp(error, sessionId);
      return undefined;
    } finally {
      listening.unsubscribe();
    }
  }

  /** Goes on without a session that could not be taken up; an agent that hangs is stopped. Throws what is no matter of the session. */
  async #giveUp(error: unknown, sessionId: string): Promise<void> {
    const isAboutSession = !isProcessGone(error) && (isRefusal(error) || error instanceof JsonRpcTimeoutError);
    if (!isAboutSession) throw error;
    const why = describeAgentError(error);
    this.logger.warn(
      `lost session ${sessionId} of thread ${this.thread.id}: ${why}; starting a new one with its history`,
    );
    if (error instanceof JsonRpcTimeoutError) await this.stop(0);
  }

  /** Whether the agent would lose the session by taking it up now. */
  async #isTooYoung(sessionId: string): Promise<boolean> {
    if (!this.#dialect.losesYoungSessions) return false;
    const openedAt = await readOpenedAt(this.thread.files, sessionId);
    const isYoung = openedAt !== undefined && Math.floor(openedAt / MINUTE_MS) === Math.floor(Date.now() / MINUTE_MS);
    if (isYoung)
      this.logger.warn(
        `the agent cannot take up a session in its first minute: starting a new one with the history of thread ${this.thread.id}`,
      );
    return isYoung;
  }

  async #prepare(
    agent: AcpAgent,
    mcpServers: readonly McpServer[],
  ): Promise<{ readonly instructions: AgentInstructions; readonly params: JsonObject }> {
    const { thread, settings, sandbox, logger } = this;
    const instructions = await giveInstructions(thread, settings, agent.capabilities, sandbox, logger);
    const systemPrompt = instructions.by === 'session' ? instructions.text : undefined;
    return { instructions, params: toSessionParameters(thread.folders.workspace, mcpServers, systemPrompt) };
  }

  /** Gives a process that was started early the variables that its thread has by now, or stops it if it needed them at its start. */
  async #fitEarly(): Promise<void> {
    if (this.#agent === undefined) return;
    const added = findAddedVariables(this.#startedWith, { env: this.#environment() });
    const { modelChoice } = this.settings;
    const isUsable = added !== undefined && !(modelChoice?.by === 'variable' && modelChoice.variable in added);
    if (!isUsable) return this.stop(0);
    if (Object.keys(added).length > 0) await writeLateVariables(this.thread, added);
  }

  #environment(): Readonly<Record<string, string>> {
    const { thread } = this;
    const choice = this.settings.modelChoice;
    // Those of the settings are in it, but for what the broker has taken out.
    if (choice?.by !== 'variable' || thread.model === undefined) return thread.env;
    return { ...thread.env, [choice.variable]: thread.model };
  }

  #modelOf(answer: JsonObject): string {
    return this.thread.model ?? readSessionModel(answer) ?? 'unknown';
  }

  /** The process, started and initialized. */
  #start(): Promise<AcpAgent> {
    if (!this.#isAlive) return Promise.reject(new Error('the session is closed'));
    this.#agent ??= this.#spawn();
    return this.#agent;
  }

  async #spawn(): Promise<AcpAgent> {
    const { thread, settings, command } = this;
    await restoreSettings(thread, settings, this.sandbox);
    const env = { ...toLateEnvironment(thread), ...this.#environment() };
    this.#startedWith = env;
    const process = this.sandbox.spawn({ threadId: thread.id, command, args: settings.args, env });
    const agent = new AcpAgent(process, (length) =>
      this.logger.warn(`ignored a line of ${length} characters from ${settings.name}: not JSON (thread ${thread.id})`),
    );
    agent.messages$.subscribe({ complete: () => void this.#exited(agent) });
    try {
      await agent.initialize();
      return agent;
    } catch (error) {
      this.#isAlive = false;
      const stopped = process.stop(0);
      if (!isProcessGone(error)) throw error;
      await stopped;
      const { notStarted } = await process.exit;
      throw notStarted === undefined ? error : new NotStartedError(notStarted);
    }
  }

  /** Its exit is known only once all that it started is gone. Until then, the next attempt must not get this process. */
  async #exited(agent: AcpAgent): Promise<void> {
    if ((await this.#agent?.catch(() => undefined)) !== agent) return;
    if (this.#onEarlyGone !== undefined) {
      this.#agent = undefined;
      this.#onEarlyGone();
      return;
    }
    this.#isAlive = false;
    const exit = await agent.process.exit;
    // What it wrote to its standard error may quote the user.
    this.logger.warn(`${this.settings.name} exited unexpectedly with ${exit.code ?? exit.signal}`);
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.name === 'JsonRpcError';
}

function toKey(servers: readonly McpServer[]): string {
  return createHash('sha256').update(JSON.stringify(servers)).digest('hex');
}
