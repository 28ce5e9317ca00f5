// Over 250 lines because it holds every way to the process and its conversation.
import type { Logger } from '@nestjs/common';
import type { Sandbox } from '../../../sandbox/sandbox.js';
import type { EarlyStart, HarnessThread } from '../../harness.js';
import { findAddedVariables } from '../../spares/added-variables.js';
import { NotStartedError } from '../../start-failure.js';
import { isProcessGone, JsonRpcError } from '../../json-rpc/json-rpc-error.js';
import {
  closeConversation,
  type CodexConversation,
  initialize,
  isLoaded,
  mayOpen,
  type Running,
  startServer,
} from '../app-server/connection.js';
import { allowsSpares } from '../app-server/codex-home.js';
import { openConversation, resumeConversation } from '../app-server/open-conversation.js';
import { rehearse } from '../app-server/rehearsal.js';
import { describe } from '../app-server/session-error.js';
import { mendCancelledCalls, removeOutputs } from '../record/cut.js';
import { type ConversationNotes, freshNotes, readNotes, writeNotes } from '../record/notes.js';
import { findRecordings, recordTools } from '../record/rollout.js';
import { followMcpStart } from './mcp-start.js';
import { canUnload, PLAIN_SETUP, type Setup, UNLOADS_AT_ONCE } from './setup.js';

const STOP_GRACE_MS = 2_000;

/** A conversation that is open in a process. */
export interface OpenConversation {
  readonly running: Running;
  readonly conversation: CodexConversation;
}

/** What is to be done to the recording before a process opens it. */
export interface Mending {
  /** The calls of the caller that were waiting when the last process was stopped wait again. */
  readonly mendsCalls: boolean;
  /** The outputs of these calls and all that follows them are removed. */
  readonly removedOutputs: readonly string[] | undefined;
}

/** The process of a session, and its conversation. Another setup takes another process. */
export class CodexProcess {
  #running: Promise<Running> | undefined;
  #open: OpenConversation | undefined;
  /** The conversation that was resumed before its turn was known. */
  #ahead: OpenConversation | undefined;
  #setup: Setup | undefined;
  #notes: ConversationNotes | undefined;
  #conversationId: string | undefined;
  #isAlive = true;
  #initialized: Promise<void> | undefined;
  /** Told when the process is gone that was started before the first turn, and had no conversation yet. */
  #onEarlyGone: (() => void) | undefined;
  /** Whether a conversation has been open. */
  #hasOpened = false;

  constructor(
    private thread: HarnessThread,
    private readonly command: string,
    private readonly sandbox: Sandbox,
    private readonly logger: Logger,
  ) {
    this.#conversationId = thread.sessionId;
  }

  /** False once the process has exited by itself, or is closing. */
  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** The conversation that is open; `undefined` before the first, and while the process is replaced. */
  get current(): OpenConversation | undefined {
    return this.#open;
  }

  /** The conversation that is open. @throws JsonRpcError if none is. */
  get opened(): OpenConversation {
    if (this.#open === undefined) throw new JsonRpcError('The session is closed.', undefined);
    return this.#open;
  }

  /** Whether the conversation is open with this setup. */
  isOpenAs({ key }: Setup): boolean {
    return this.#open !== undefined && this.#setup?.key === key;
  }

  /** The notes of the conversation, before it is open too; `undefined` if there is no conversation. */
  async notes(): Promise<ConversationNotes | undefined> {
    if (this.#conversationId === undefined) return undefined;
    this.#notes ??= await readNotes(this.thread.files, this.#conversationId);
    return this.#notes;
  }

  /** Changes the notes of the conversation. */
  async changeNotes(change: (notes: ConversationNotes) => ConversationNotes): Promise<void> {
    const notes = await this.notes();
    if (notes !== undefined) await this.#keepNotes(change(notes));
  }

  /**
   * Starts the process before the first {@link open}, and resumes the conversation in it; that of a spare rehearses one. `undefined` if the deployment's
   * settings need to know the thread before.
   *
   * @throws JsonRpcError if the server refuses or has exited.
   */
  async startEarly(): Promise<EarlyStart | undefined> {
    if (this.thread.isSpare === true && !(await allowsSpares(this.thread, this.sandbox))) return undefined;
    const gone = new Promise<void>((resolve) => (this.#onEarlyGone = resolve));
    try {
      const running = await this.#start(true);
      this.#initialized = initialize(running);
      await this.#initialized;
      await (this.thread.isSpare === true ? rehearse(running.server, this.thread) : this.#resumeAhead(running));
      return { gone };
    } catch (error) {
      await this.#dropEarly();
      throw error;
    }
  }

  /** Says which thread the process is for that was started for a spare one. */
  adopt(thread: HarnessThread): void {
    this.thread = thread;
  }

  /** Opens the conversation as the setup wants it, in a new process if the one that runs has another setup. */
  async open(setup: Setup, mending: Mending): Promise<OpenConversation> {
    const { mendsCalls, removedOutputs } = mending;
    await this.#checkEarly(mending);
    await this.#checkSettings();
    const ahead = await this.#takeAhead(setup);
    if (ahead !== undefined) {
      this.#setup = setup;
      this.#hasOpened = true;
      return this.#adopt(ahead);
    }
    if (this.#open !== undefined && removedOutputs === undefined && this.isOpenAs(setup)) return this.#open;
    // Codex reads its index of the recordings when it starts.
    await this.#close(!mendsCalls && removedOutputs === undefined);
    this.#setup = setup;
    await this.#mend(mending);
    await this.#syncTools(setup);
    if (!this.#isAlive) throw new JsonRpcError('The session is closed.', undefined);
    const isFresh = this.#running === undefined;
    const running = await (this.#running ?? this.#start(false));
    const mcpStart = followMcpStart(running.server, setup.mcpNames);
    const conversation = await this.#openConversation(running, setup, isFresh);
    // A server that was started early is gone: nobody is to see that.
    if (conversation === undefined) return this.open(setup, mending);
    this.#hasOpened = true;
    const failed = await mcpStart.done;
    if (failed.length > 0)
      this.logger.warn(`failed to start MCP servers of thread ${this.thread.id}: ${failed.join(', ')}`);
    return this.#adopt({ running, conversation });
  }

  /** Goes on with the conversation after turns of it were removed. */
  async adoptShorter(conversation: CodexConversation, setup: Setup): Promise<OpenConversation> {
    const { running } = this.opened;
    const open = await this.#adopt({ running, conversation });
    // It has the tools again that it had then (0.169.0, seen).
    if ((await this.notes())?.hasChanged !== true) return open;
    await this.changeNotes((notes) => ({ ...notes, toolsKey: undefined }));
    await this.stop(STOP_GRACE_MS);
    return this.open(setup, { mendsCalls: false, removedOutputs: undefined });
  }

  async #adopt(open: OpenConversation): Promise<OpenConversation> {
    const { threadId, resumed } = open.conversation;
    this.#open = open;
    const toolsKey = this.#setup?.toolsKey ?? '';
    const known = this.#conversationId === threadId ? await this.notes() : undefined;
    this.#conversationId = threadId;
    const notes = known ?? freshNotes(threadId, resumed ? undefined : toolsKey);
    this.#notes = notes;
    // A conversation that never had tools of a caller needs no notes.
    if (known === undefined && toolsKey !== '') await this.#keepNotes(notes);
    return open;
  }

  /** Notes that the conversation has turns now. */
  keepTurns(): void {
    if (this.#open !== undefined) {
      this.#open = { ...this.#open, conversation: { ...this.#open.conversation, resumed: true } };
    }
  }

  /** Stops the process; the next {@link open} starts another one. After 0 ms it has no time to record an end of its turn. */
  async stop(graceMs: number): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    this.#open = undefined;
    this.#ahead = undefined;
    await (await running?.catch(() => undefined))?.process.stop(graceMs);
  }

  /** Stops the process for good. */
  async close(graceMs: number): Promise<void> {
    this.#isAlive = false;
    await this.stop(graceMs);
  }

  /** Resolves to `undefined` if the server was started early and is gone. */
  async #openConversation(
    running: Running,
    { tools, config }: Setup,
    isFresh: boolean,
  ): Promise<CodexConversation | undefined> {
    const options = { specs: tools.specs, config, conversationId: this.#conversationId };
    try {
      if (isFresh) this.#initialized = initialize(running);
      await this.#initialized;
      return await openConversation(running, this.thread, options, this.logger);
    } catch (error) {
      if (this.#isEarly(running) && isProcessGone(error)) {
        await this.#dropEarly();
        return undefined;
      }
      // A half-open session would fail every later turn.
      const closed = this.close(STOP_GRACE_MS);
      if (!isProcessGone(error)) throw error;
      await closed;
      const { notStarted } = await running.process.exit;
      throw notStarted === undefined ? error : new NotStartedError(notStarted);
    }
  }

  /** Closes the conversation, and its process unless that can go on. */
  async #close(mayGoOn: boolean): Promise<void> {
    const [open, setup] = [this.#open, this.#setup];
    // Started early: nothing is open yet.
    if (mayGoOn && open === undefined) return;
    if (mayGoOn && open !== undefined && setup !== undefined && canUnload(setup)) {
      try {
        await closeConversation(open.running, open.conversation.threadId);
        this.#open = undefined;
        return;
      } catch (error) {
        this.logger.debug(`failed to close a conversation of Codex: ${describe(error)}`);
      }
    }
    await this.stop(STOP_GRACE_MS);
  }

  /** Resumes the conversation as a turn without tools of its caller wants it, unless the last one had some. */
  async #resumeAhead(running: Running): Promise<void> {
    if ((await this.notes())?.toolsKey !== PLAIN_SETUP.toolsKey) return;
    const options = { config: UNLOADS_AT_ONCE, conversationId: this.#conversationId };
    const conversation = await resumeConversation(running, this.thread, options, this.logger);
    if (conversation !== undefined) this.#ahead = { running, conversation };
  }

  /** The conversation that was resumed ahead, if that is still there and is open as the setup wants it; else it is open no more. */
  async #takeAhead({ key }: Setup): Promise<OpenConversation | undefined> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead === undefined) return undefined;
    const { running, conversation } = ahead;
    try {
      // Its process may be gone, which the turn would fail with.
      const isOpen = await isLoaded(running, conversation.threadId);
      if (isOpen && key === PLAIN_SETUP.key) return ahead;
      if (isOpen) await closeConversation(running, conversation.threadId);
    } catch (error) {
      this.logger.debug(`failed to go on with a conversation of Codex: ${describe(error)}`);
      await this.#dropEarly();
    }
    return undefined;
  }

  /** Stops a process that was started early and that this turn cannot use. */
  async #checkEarly({ mendsCalls, removedOutputs }: Mending): Promise<void> {
    const running = await this.#running?.catch(() => undefined);
    if (running === undefined || !this.#isEarly(running)) return;
    // Codex reads its index of the recordings when it starts.
    const isUsable =
      !mendsCalls && removedOutputs === undefined && findAddedVariables(running.variables, this.thread) !== undefined;
    if (!isUsable) await this.#dropEarly();
  }

  async #dropEarly(): Promise<void> {
    await this.stop(0);
    this.#onEarlyGone?.();
  }

  #isEarly({ isEarly }: Running): boolean {
    return isEarly && !this.#hasOpened;
  }

  /** Stops a process that would take settings of the workspace over that are not the deployment's. */
  async #checkSettings(): Promise<void> {
    const running = await this.#running;
    if (running !== undefined && !(await mayOpen(this.thread, this.sandbox, running))) await this.stop(STOP_GRACE_MS);
  }

  async #mend({ mendsCalls, removedOutputs }: Mending): Promise<void> {
    const { files } = this.thread;
    const conversation = this.#conversationId;
    if (conversation === undefined) return;
    if (removedOutputs !== undefined) {
      const isRemoved = await removeOutputs(files, conversation, removedOutputs);
      if (!isRemoved) this.logger.warn(`failed to shorten the record of thread ${this.thread.id}: no such turn`);
      const notes = await this.notes();
      if (notes?.hasChanged === true) await this.#keepNotes({ ...notes, toolsKey: undefined });
    }
    if (mendsCalls) await mendCancelledCalls(files, conversation);
  }

  /** Gives the recorded conversation the caller's tools of the setup. */
  async #syncTools({ tools, toolsKey }: Setup): Promise<void> {
    const notes = await this.notes();
    if (notes === undefined || notes.toolsKey === toolsKey) return;
    const { files } = this.thread;
    const [path] = await findRecordings(files, notes.conversation);
    if (path === undefined) return;
    await recordTools(files, path, notes.conversation, tools.specs);
    await this.#keepNotes({ ...notes, toolsKey, hasChanged: true });
  }

  async #keepNotes(notes: ConversationNotes): Promise<void> {
    this.#notes = notes;
    await writeNotes(this.thread.files, notes);
  }

  #start(isEarly: boolean): Promise<Running> {
    const started = startServer(this.thread, this.command, this.sandbox, (length) =>
      this.logger.warn(`ignored a line of ${length} characters from Codex: not JSON (thread ${this.thread.id})`),
    ).then((server): Running => {
      const running = { ...server, isEarly };
      const end = async (): Promise<void> => {
        if (this.#running !== started) return;
        if (this.#isEarly(running)) return this.#dropEarly();
        // Its exit is known only once all that it started is gone. Until then, the next attempt must not get this process.
        this.#isAlive = false;
        const exit = await running.process.exit;
        // What it wrote to its standard error may quote the user.
        this.logger.warn(`Codex exited unexpectedly with ${exit.code ?? exit.signal}`);
      };
      running.server.messages$.subscribe({ complete: () => void end() });
      return running;
    });
    this.#running = started;
    return started;
  }
}
