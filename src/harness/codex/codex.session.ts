import type { Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { Observable } from 'rxjs';
import type { Sandbox } from '../../sandbox/sandbox.js';
import type { EarlyStart, FurtherMessage, HarnessSession, HarnessThread, HarnessTurn } from '../harness.js';
import { recallTurn } from '../lost-turn.js';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { prependRefusal, type RefusedCall } from '../../domain/provider-refusal.js';
import type { CodexConversation } from './app-server/connection.js';
import { describe, turnFailed } from './app-server/session-error.js';
import { callIdsOf, withMark, withoutMarksFrom } from './record/notes.js';
import { CodexProcess, type OpenConversation } from './session/codex-process.js';
import type { Emit } from './session/codex-turn.js';
import { CodexTurns } from './session/codex-turns.js';
import { removeFromMessage, removeRefusedTurns } from './session/conversation-edits.js';
import { CodexDecoder } from './session/decoder.js';
import { CodexRunningTurn } from './session/running-turn.js';
import { injectSeed } from './session/inject-seed.js';
import { type Setup, toSetup } from './session/setup.js';
import { type Beginning, type BeginningContext, beginAgain, beginWithResults } from './session/turn-beginning.js';

const STOP_GRACE_MS = 2_000;
const SETTLE_GRACE_MS = 1_000;

/** One warm `codex app-server` with one conversation. The first turn starts it. */
export class CodexSession implements HarnessSession {
  readonly #process: CodexProcess;
  readonly #decoder = new CodexDecoder();
  readonly #turns: CodexTurns;
  /** Whether the conversation lacks the earlier turns. */
  #isBlank = false;
  /** Whether the newest turns may be refused ones, which Codex would resend with the next one. */
  #mayHoldRefused = false;
  /** The conversation that was emitted. */
  #emittedId: string | undefined;
  /** The turn that was dropped last, by its results. */
  #wasDropped: string | undefined;
  #turn: CodexRunningTurn | undefined;
  /** The end of a process that must not go on. */
  #stopping: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(
    private readonly thread: HarnessThread,
    command: string,
    sandbox: Sandbox,
    private readonly logger: Logger,
  ) {
    this.#process = new CodexProcess(thread, command, sandbox, logger);
    this.#turns = new CodexTurns(thread, this.#process, this.#decoder, logger);
  }

  async startEarly(): Promise<EarlyStart | undefined> {
    try {
      return await this.#process.startEarly();
    } catch (error) {
      this.logger.warn(`failed to start Codex ahead of its turn: ${describe(error)}`);
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
      const running: CodexRunningTurn = new CodexRunningTurn((events) => {
        if (running.isOver) this.#end(running, events);
        subscriber.next(events);
        if (running.isOver) subscriber.complete();
      });
      this.#turn = running;
      this.#runTurn(turn, running).catch((error: unknown) => {
        this.logger.warn(`failed to run a turn of thread ${this.thread.id}: ${describe(error)}`);
        running.emit([turnFailed(error)]);
      });
      return () => {
        if (running.isOver) return;
        running.abandon();
        void this.close();
      };
    });
  }

  interrupt(): void {
    if (this.#turn !== undefined) void this.#turns.interrupt(this.#turn);
  }

  steer(message: FurtherMessage): Promise<boolean> {
    return this.#turn === undefined ? Promise.resolve(false) : this.#turns.steer(this.#turn, message);
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      // A Codex that has time to stop records that its user interrupted the turn on purpose, which the model is told when the turn goes on,
      // and makes up results for the calls that wait for the caller.
      if (this.#turn !== undefined || this.#turns.isParked) return this.#process.close(0);
      // Codex may not have recorded the end of the turn yet: a refused turn would count as interrupted, and be resent on resume.
      await Promise.race([this.#turns.settled(), delay(SETTLE_GRACE_MS)]);
      await this.#process.close(STOP_GRACE_MS);
    })();
    return this.#closing;
  }

  #end(running: CodexRunningTurn, events: readonly HarnessEvent[]): void {
    this.#turn = undefined;
    this.#mayHoldRefused ||= !events.some((event) => event.type === 'turn-end' && event.reason !== 'refusal');
    // The model would hear it in the next turn, and then again, as the server hands it over again. Only this forgets it.
    if (running.hasUnheard && this.#turns.isParked) this.#stopping = this.#process.stop(0);
  }

  /** Runs the turn. Resolves when Codex is done with it, or waits for the caller; rejects when it could not be run, or the process went away. */
  async #runTurn(turn: HarnessTurn, running: CodexRunningTurn): Promise<void> {
    await this.#stopping;
    const setup = toSetup(turn);
    if (this.#turns.isAwaiting(turn, setup)) {
      await this.#mark(turn);
      return this.#turns.answer(turn, setup, running);
    }
    if (this.#turns.isParked) await this.#turns.leave(turn);
    await this.#open(turn, setup, running.emit);
    await this.#turns.settled();
    const { emit } = running;
    const beginning = (await this.#beginKnown(turn, setup, emit)) ?? (await this.#beginNew(turn, setup, emit));
    running.emit(beginning.events);
    if (beginning.kind === 'over') return;
    await this.#turns.start(turn, setup, running, beginning);
    this.#isBlank = false;
  }

  /** Opens the conversation without the outputs of a turn that is dropped. */
  async #open({ dropFrom, toolResults, attempt, callerTools }: HarnessTurn, setup: Setup, emit: Emit): Promise<void> {
    const before = this.#process.current;
    const mendsCalls = toolResults !== undefined || (attempt > 1 && callerTools !== undefined);
    const notes = dropFrom === undefined ? undefined : await this.#process.notes();
    const removedOutputs = dropFrom === undefined ? undefined : callIdsOf(notes, dropFrom);
    const open = await this.#process.open(setup, { mendsCalls, removedOutputs });
    if (removedOutputs !== undefined && dropFrom !== undefined) {
      this.#wasDropped = dropFrom;
      await this.#process.changeNotes((kept) => withoutMarksFrom(kept, dropFrom));
    }
    if (open !== before) this.#emitOpened(open, emit);
  }

  #emitOpened(open: OpenConversation, emit: Emit): void {
    const { resumed } = open.conversation;
    if (this.thread.sessionId !== undefined && !resumed) {
      this.logger.warn(`lost the conversation of thread ${this.thread.id}; started a new one`);
    }
    this.#isBlank = !resumed;
    this.#mayHoldRefused = resumed;
    this.#emitConversation(open, emit);
  }

  #emitConversation({ conversation: { threadId, model } }: OpenConversation, emit: Emit): void {
    this.#decoder.reset({ threadId, model });
    if (this.#emittedId !== threadId) emit([{ type: 'session-started', sessionId: threadId }]);
    this.#emittedId = threadId;
  }

  /** Goes on with a turn of which the record may have a part; `undefined` for a new one. */
  async #beginKnown(turn: HarnessTurn, setup: Setup, emit: Emit): Promise<Beginning | undefined> {
    if (turn.toolResults !== undefined) {
      await this.#dropTurns(turn, setup, emit);
      await injectSeed(this.thread, this.#process.opened, turn);
      await this.#mark(turn);
      return beginWithResults(this.#context(setup), turn, turn.toolResults);
    }
    if (turn.attempt === 1 || !this.#process.opened.conversation.resumed) return undefined;
    return beginAgain(this.#context(setup), turn);
  }

  #context(setup: Setup): BeginningContext {
    return { thread: this.thread, open: this.#process.opened, setup };
  }

  async #beginNew(turn: HarnessTurn, setup: Setup, emit: Emit): Promise<Beginning> {
    await this.#dropTurns(turn, setup, emit);
    const calls = await this.#removeRefusedTurns(setup, emit);
    const known = { seed: turn.seed ?? [], prompt: turn.prompt };
    const { seed, prompt: own } = this.#isBlank ? await recallTurn(turn) : known;
    await injectSeed(this.thread, this.#process.opened, { seed, attempt: turn.attempt });
    const prompt = prependRefusal(calls, own);
    return { kind: 'start', events: [], prompt, further: turn.furtherMessages ?? [] };
  }

  /** Removes the turns that this one replaces, if they began with a message of the user. */
  async #dropTurns({ dropFrom, attempt }: HarnessTurn, setup: Setup, emit: Emit): Promise<void> {
    if (dropFrom === undefined || this.#wasDropped === dropFrom) return;
    const { running, conversation } = this.#process.opened;
    const shorter = conversation.resumed ? await removeFromMessage(running, conversation, dropFrom) : undefined;
    if (shorter !== undefined) await this.#adopt(shorter, setup, emit);
    // Its record has more than the caller's conversation then: better than a turn that fails.
    else if (attempt === 1)
      this.logger.warn(`failed to drop turns of thread ${this.thread.id}: no record of turn ${dropFrom}`);
  }

  /** Removes refused turns from the end of the conversation. Returns the tool calls of these turns. */
  async #removeRefusedTurns(setup: Setup, emit: Emit): Promise<readonly RefusedCall[]> {
    if (!this.#mayHoldRefused) return [];
    const { running, conversation } = this.#process.opened;
    const shorter = await removeRefusedTurns(running, conversation);
    if (shorter !== undefined) await this.#adopt(shorter.conversation, setup, emit);
    this.#mayHoldRefused = false;
    this.#isBlank = shorter?.isEmpty ?? this.#isBlank;
    return shorter?.calls ?? [];
  }

  async #adopt(conversation: CodexConversation, setup: Setup, emit: Emit): Promise<void> {
    this.#emitConversation(await this.#process.adoptShorter(conversation, setup), emit);
  }

  /** Remembers where a turn with results begins. */
  async #mark({ id, toolResults = [] }: HarnessTurn): Promise<void> {
    const callIds = toolResults.map(({ callId }) => callId);
    await this.#process.changeNotes((notes) => withMark(notes, { turnId: id, callIds }));
  }
}
