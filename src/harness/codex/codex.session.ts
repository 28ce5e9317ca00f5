// A little over 250 lines: one process, from its start through its turns to its end, whose state every method shares.
import { basename, join } from 'node:path';
import type { Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { Observable, Subscription } from 'rxjs';
import type { Sandbox } from '../../sandbox/sandbox.js';
import type { HarnessSession, HarnessThread, HarnessTurn } from '../harness.js';
import { type HarnessEvent, isTurnEnd, type JsonObject } from '../../domain/harness-event.js';
import { AppServerError } from './app-server/app-server.js';
import {
  type CodexConversation,
  openConversation,
  type Running,
  readNewestTurns,
  startServer,
  takeOut,
} from './app-server/connection.js';
import { decodeObject, initialCodexState, type CodexState } from './decode/decode.js';
import { toCodexInput } from './app-server/input.js';
import { asObject } from '../../domain/json.js';
import { withHistory } from '../../domain/prompt.js';
import { renderSeed } from '../../domain/render-seed.js';
import { prependRefusal, type RefusedCall } from '../../domain/provider-refusal.js';
import { NotStartedError } from '../start-failure.js';
import { describe, isProcessGone, turnFailed } from './app-server/session-error.js';
import { toTurnParameters } from './app-server/launch.js';
import { refusedTurns } from './resume/refused-turns.js';
import { type Resumption, planResumption } from './resume/resumption.js';

const STOP_GRACE_MS = 2_000;
const SETTLE_GRACE_MS = 1_000;

type Emit = (events: readonly HarnessEvent[]) => void;

/** What is known of the turn that runs. */
interface RunningTurn {
  /** Codex's name of it; `undefined` until `turn/started`, before which 0.169.0 has "no active turn to interrupt" (seen). */
  codexTurnId: string | undefined;
  interruptRequested: boolean;
}

/** A subscription to the events of a turn. */
interface Follower {
  readonly done: Promise<void>;
  /** Unsubscribes; `done` resolves. */
  stop(): void;
}

/** One warm `codex app-server` with one conversation. The first turn starts it. */
export class CodexSession implements HarnessSession {
  #running: Promise<Running> | undefined;
  #conversation: CodexConversation | undefined;
  /** Whether the conversation lacks the earlier turns. */
  #isBlank = false;
  /** Whether the newest turns may be refused ones, which Codex would resend with the next one. */
  #mayHoldRefused = false;
  #state: CodexState = initialCodexState();
  #turn: RunningTurn | undefined;
  /** Settles when Codex is done with the newest turn. Never rejects. */
  #settled: Promise<void> = Promise.resolve();
  #alive = true;
  #closing: Promise<void> | undefined;

  constructor(
    private readonly thread: HarnessThread,
    private readonly command: string,
    private readonly sandbox: Sandbox,
    private readonly logger: Logger,
  ) {}

  get alive(): boolean {
    return this.#alive;
  }

  run(turn: HarnessTurn): Observable<readonly HarnessEvent[]> {
    return new Observable((subscriber) => {
      let over = false;
      const emit: Emit = (events) => {
        if (over || events.length === 0) return;
        const end = events.findIndex(isTurnEnd);
        subscriber.next(end < 0 ? events : events.slice(0, end + 1));
        if (end < 0) return;
        over = true;
        this.#turn = undefined;
        this.#mayHoldRefused ||= !events.some((event) => event.type === 'turn-end' && event.reason !== 'refusal');
        subscriber.complete();
      };
      this.#runTurn(turn, emit).catch((error: unknown) => {
        this.logger.warn(`failed to run a turn of thread ${this.thread.id}: ${describe(error)}`);
        emit([turnFailed(error)]);
      });
      return () => {
        if (over) return;
        over = true;
        void this.close();
      };
    });
  }

  interrupt(): void {
    if (this.#turn === undefined) return;
    this.#turn.interruptRequested = true;
    void this.#interruptIfKnown(this.#turn);
  }

  close(): Promise<void> {
    this.#alive = false;
    this.#closing ??= (async () => {
      const running = await this.#running?.catch(() => undefined);
      // Codex may not have recorded the end of the turn yet: a refused turn would count as interrupted, and be resent on resume.
      if (this.#turn === undefined) await Promise.race([this.#settled, delay(SETTLE_GRACE_MS)]);
      await running?.process.stop(STOP_GRACE_MS);
    })();
    return this.#closing;
  }

  /** Runs the turn. Resolves when Codex is done with it; rejects when it could not be run, or the process went away. */
  async #runTurn(turn: HarnessTurn, emit: Emit): Promise<void> {
    const turnState: RunningTurn = { codexTurnId: undefined, interruptRequested: false };
    this.#turn = turnState;
    const running = await this.#ensureServer();
    const conversation = await this.#ensureConversation(running, emit);
    const resumption = await this.#resumption(running, conversation.threadId, turn);
    if (resumption.kind === 'ended') return emit(resumption.events);
    if (resumption.kind === 'continue') emit(resumption.events);
    await this.#settled;
    const calls = resumption.kind === 'continue' ? [] : await this.#removeRefusedTurns(running, conversation, emit);
    const input = resumption.kind === 'continue' ? [] : await this.#buildInput(turn, calls);
    const { threadId } = this.#conversation ?? conversation;
    this.#state = { ...this.#state, turnId: undefined };
    const follower = this.#follow(running, turnState, emit);
    // If `turn/start` fails, its error ends the turn; this avoids an unhandled rejection of the follower.
    this.#settled = follower.done.catch(() => undefined);
    try {
      await running.server.request('turn/start', {
        threadId,
        clientUserMessageId: turn.id,
        input,
        ...toTurnParameters(this.thread, turn),
      });
      await follower.done;
    } catch (error) {
      follower.stop();
      throw error;
    }
    this.#isBlank = false;
  }

  #ensureServer(): Promise<Running> {
    if (!this.#alive) return Promise.reject(new AppServerError('The session is closed.', undefined));
    this.#running ??= startServer(this.thread, this.command, this.sandbox, (length) =>
      this.logger.warn(`ignored a line of ${length} characters from Codex: not JSON (thread ${this.thread.id})`),
    ).then((running) => {
      void running.process.exit.then((exit) => {
        const expected = this.#closing !== undefined;
        this.#alive = false;
        // What it wrote to its standard error may quote the user.
        if (!expected) this.logger.warn(`Codex exited unexpectedly with ${exit.code ?? exit.signal}`);
      });
      return running;
    });
    return this.#running;
  }

  async #ensureConversation(running: Running, emit: Emit): Promise<CodexConversation> {
    if (this.#conversation !== undefined) return this.#conversation;
    const conversation = await openConversation(running, this.thread, this.logger).catch(async (error: unknown) => {
      // A half-open session would fail every later turn.
      const closed = this.close();
      if (!isProcessGone(error)) throw error;
      await closed;
      const { notStarted } = await running.process.exit;
      throw notStarted === undefined ? error : new NotStartedError(notStarted);
    });
    if (this.thread.sessionId !== undefined && !conversation.resumed) {
      this.logger.warn(`lost the conversation of thread ${this.thread.id}; started a new one`);
    }
    this.#isBlank = !conversation.resumed;
    this.#mayHoldRefused = conversation.resumed;
    this.#adoptConversation(conversation, emit);
    return conversation;
  }

  #adoptConversation(conversation: CodexConversation, emit: Emit): void {
    this.#conversation = conversation;
    this.#state = initialCodexState({ threadId: conversation.threadId, model: conversation.model });
    emit([{ type: 'session-started', sessionId: conversation.threadId }]);
  }

  /** Removes refused turns from the end of the conversation. Returns the tool calls of these turns. */
  async #removeRefusedTurns(
    { server }: Running,
    conversation: CodexConversation,
    emit: Emit,
  ): Promise<readonly RefusedCall[]> {
    if (!this.#mayHoldRefused) return [];
    const refused = refusedTurns(await readNewestTurns(server, conversation.threadId));
    if (refused !== undefined) {
      const shorter = await takeOut(server, conversation, refused.from);
      if (shorter !== conversation) this.#adoptConversation(shorter, emit);
      this.#isBlank = refused.areAll;
    }
    this.#mayHoldRefused = false;
    return refused?.calls ?? [];
  }

  async #resumption({ server }: Running, threadId: string, turn: HarnessTurn): Promise<Resumption> {
    if (turn.attempt < 2 || this.#conversation?.resumed !== true) return { kind: 'prompt' };
    return planResumption(await readNewestTurns(server, threadId), turn.id);
  }

  async #buildInput(turn: HarnessTurn, calls: readonly RefusedCall[]): Promise<readonly JsonObject[]> {
    const seed = turn.seed ?? (this.#isBlank ? await turn.recall?.() : undefined);
    const { input, uploads } = toCodexInput(
      withHistory(renderSeed(seed ?? []), prependRefusal(calls, turn.prompt)),
      join(this.thread.folders.server, 'uploads'),
    );
    for (const { path, bytes } of uploads) await this.thread.files.write(`server/uploads/${basename(path)}`, bytes);
    return input;
  }

  /**
   * Emits the events of the server from now on. `done` resolves at Codex's own end of the turn, shortly after the error that ends the
   * turn for us: a prompt sent in between would be lost. It rejects if the server exits first.
   */
  #follow({ server }: Running, turn: RunningTurn, emit: Emit): Follower {
    const following = new Subscription();
    const done = new Promise<void>((resolve, reject) => {
      following.add(resolve);
      const next = (batch: readonly JsonObject[]): void => {
        const events = batch.flatMap((notification) => this.#decode(notification));
        if (turn.codexTurnId === undefined && this.#state.turnId !== undefined) {
          turn.codexTurnId = this.#state.turnId;
          void this.#interruptIfKnown(turn);
        }
        emit(events);
        if (batch.some((notification) => this.#endsOurTurn(notification))) following.unsubscribe();
      };
      const complete = (): void => {
        this.#alive = false;
        reject(new AppServerError('The process of the agent ended in the middle of the turn.', undefined));
      };
      following.add(server.notifications$.subscribe({ next, complete }));
    });
    return { done, stop: () => following.unsubscribe() };
  }

  #endsOurTurn({ method, params }: JsonObject): boolean {
    return method === 'turn/completed' && asObject(params)['threadId'] === this.#conversation?.threadId;
  }

  #decode(notification: JsonObject): readonly HarnessEvent[] {
    const { state, events } = decodeObject(this.#state, notification);
    this.#state = state;
    return events;
  }

  /** Sends a requested interrupt, once the turn has started. */
  async #interruptIfKnown(turn: RunningTurn): Promise<void> {
    const threadId = this.#conversation?.threadId;
    if (!turn.interruptRequested || turn.codexTurnId === undefined || threadId === undefined) return;
    try {
      const { server } = await this.#ensureServer();
      await server.request('turn/interrupt', { threadId, turnId: turn.codexTurnId });
    } catch (error) {
      // The turn may have ended by itself in the meantime.
      this.logger.debug(`failed to interrupt Codex: ${describe(error)}`);
    }
  }
}
