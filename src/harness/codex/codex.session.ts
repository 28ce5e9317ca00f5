// A little over 250 lines: one session, from its first turn to its end, whose state every method shares.
import type { Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { Observable } from 'rxjs';
import type { Sandbox } from '../../sandbox/sandbox.js';
import type { HarnessSession, HarnessThread, HarnessTurn } from '../harness.js';
import { type HarnessEvent, isTurnEnd, type JsonObject } from '../../domain/harness-event.js';
import { type Prompt, withHistory } from '../../domain/prompt.js';
import { prependRefusal, type RefusedCall } from '../../domain/provider-refusal.js';
import { toCodexInput } from './app-server/input.js';
import { toTurnParameters } from './app-server/launch.js';
import { describe, turnFailed } from './app-server/session-error.js';
import { CallerCalls } from './caller-tools/caller-calls.js';
import { checkStrictInput } from './caller-tools/check-input.js';
import { toToolOutput } from './caller-tools/tool-output.js';
import { withMark } from './record/notes.js';
import { findRecordings, recordingSize } from './record/rollout.js';
import { CodexProcess, type OpenConversation } from './session/codex-process.js';
import { CodexTurn, type Emit } from './session/codex-turn.js';
import { removeRefusedTurns } from './session/conversation-edits.js';
import { CodexDecoder } from './session/decoder.js';
import { type Setup, toSetup } from './session/setup.js';
import { type Beginning, beginAgain, beginWithResults, uploadFolder } from './session/turn-beginning.js';
import { writeUploads } from './session/uploads.js';

const STOP_GRACE_MS = 2_000;
const SETTLE_GRACE_MS = 1_000;

/** What is known of the turn that runs. */
interface RunningTurn {
  readonly emit: Emit;
  /** Codex's name of it; `undefined` until `turn/started`, before which 0.169.0 has "no active turn to interrupt" (seen). */
  codexTurnId: string | undefined;
  interruptRequested: boolean;
}

/** One warm `codex app-server` with one conversation. The first turn starts it. */
export class CodexSession implements HarnessSession {
  readonly #process: CodexProcess;
  readonly #decoder = new CodexDecoder();
  /** Whether the conversation lacks the earlier turns. */
  #isBlank = false;
  /** Whether the newest turns may be refused ones, which Codex would resend with the next one. */
  #mayHoldRefused = false;
  /** The conversation that was emitted. */
  #emittedId: string | undefined;
  #turn: RunningTurn | undefined;
  /** The newest turn of Codex, and what it answers in. */
  #codexTurn: { readonly turn: CodexTurn; readonly calls: CallerCalls; readonly answerKey: string } | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    private readonly thread: HarnessThread,
    command: string,
    sandbox: Sandbox,
    private readonly logger: Logger,
  ) {
    this.#process = new CodexProcess(thread, command, sandbox, logger);
  }

  get alive(): boolean {
    return this.#process.isAlive && this.#closing === undefined;
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
    this.#closing ??= (async () => {
      const codexTurn = this.#codexTurn?.turn;
      // A Codex that has time to stop makes up results for the calls that wait for the caller.
      if (codexTurn?.isParked === true) return this.#process.close(0);
      // Codex may not have recorded the end of the turn yet: a refused turn would count as interrupted, and be resent on resume.
      if (this.#turn === undefined) await Promise.race([codexTurn?.done, delay(SETTLE_GRACE_MS)]);
      await this.#process.close(STOP_GRACE_MS);
    })();
    return this.#closing;
  }

  /** Runs the turn. Resolves when Codex is done with it, or waits for the caller; rejects when it could not be run, or the process went away. */
  async #runTurn(turn: HarnessTurn, emit: Emit): Promise<void> {
    const turnState: RunningTurn = { emit, codexTurnId: undefined, interruptRequested: false };
    this.#turn = turnState;
    const setup = toSetup(turn);
    if (this.#codexTurn?.turn.isParked === true) {
      if (this.#isAwaited(turn, setup)) return this.#answer(turn, setup, turnState);
      await this.#leaveParked(turn);
    }
    const open = await this.#open(turn, setup, emit);
    const beginning = (await this.#beginKnown(turn, setup, open)) ?? (await this.#beginNew(turn, open, emit));
    emit(beginning.events);
    if (beginning.kind === 'over') return;
    await this.#start(turn, setup, turnState, beginning.prompt);
  }

  /** Whether the process waits for the results of this turn, and can go on with them as the turn wants it. */
  #isAwaited({ toolResults, outputSchema }: HarnessTurn, setup: Setup): boolean {
    if (toolResults === undefined || this.#codexTurn === undefined) return false;
    const given = new Set(toolResults.map(({ callId }) => callId));
    const { calls, answerKey } = this.#codexTurn;
    return (
      calls.open.every((id) => given.has(id)) &&
      this.#process.isOpenAs(setup) &&
      answerKey === JSON.stringify(outputSchema ?? null)
    );
  }

  /** Hands the results to the turn of Codex that waits for them. */
  async #answer(turn: HarnessTurn, setup: Setup, turnState: RunningTurn): Promise<void> {
    const [waiting, open] = [this.#codexTurn, this.#process.current];
    if (waiting === undefined || open === undefined) return;
    const results = (turn.toolResults ?? []).map((result) => ({
      callId: result.callId,
      output: toToolOutput(result, uploadFolder(this.thread)),
    }));
    const input = await this.#toInput(turn.prompt);
    await writeUploads(
      this.thread.files,
      results.flatMap(({ output }) => output.uploads),
    );
    await this.#mark(turn);
    turnState.codexTurnId = waiting.turn.id;
    waiting.calls.useTools(setup.tools);
    const over = waiting.turn.read(turnState.emit);
    waiting.turn.unpark();
    // Before the results: the model hears it after them, while a turn that has its results may be over (0.169.0, seen).
    if (input.length > 0 && waiting.turn.id !== undefined) {
      const steer = { threadId: open.conversation.threadId, expectedTurnId: waiting.turn.id };
      await open.running.server.request('turn/steer', { ...steer, clientUserMessageId: turn.id, input });
    }
    for (const { callId, output } of results) waiting.calls.settle(callId, output);
    waiting.turn.emitCalls();
    void this.#interruptIfKnown(turnState);
    await over;
  }

  /** Ends a turn of Codex that waits for results which this turn does not bring, or not so that it could go on. */
  async #leaveParked({ toolResults }: HarnessTurn): Promise<void> {
    const [parked, open] = [this.#codexTurn?.turn, this.#process.current];
    if (parked === undefined || open === undefined) return;
    // Its record stays as it is, to go on from it.
    if (toolResults !== undefined) return this.#process.stop(0);
    await open.running.server.request('turn/interrupt', {
      threadId: open.conversation.threadId,
      turnId: parked.id ?? '',
    });
    await parked.done;
  }

  async #open(turn: HarnessTurn, setup: Setup, emit: Emit): Promise<OpenConversation> {
    const before = this.#process.current;
    const mendsCalls = turn.toolResults !== undefined || (turn.attempt > 1 && turn.callerTools !== undefined);
    const open = await this.#process.open(setup, { mendsCalls, removedOutputs: undefined });
    if (open !== before) {
      const { resumed } = open.conversation;
      if (this.thread.sessionId !== undefined && !resumed) {
        this.logger.warn(`lost the conversation of thread ${this.thread.id}; started a new one`);
      }
      this.#isBlank = !resumed;
      this.#mayHoldRefused = resumed;
      this.#emitConversation(open, emit);
    }
    return open;
  }

  #emitConversation({ conversation: { threadId, model } }: OpenConversation, emit: Emit): void {
    this.#decoder.reset({ threadId, model });
    if (this.#emittedId !== threadId) emit([{ type: 'session-started', sessionId: threadId }]);
    this.#emittedId = threadId;
  }

  /** Goes on with a turn of which the record may have a part; `undefined` for a new one. */
  async #beginKnown(turn: HarnessTurn, setup: Setup, open: OpenConversation): Promise<Beginning | undefined> {
    const context = { thread: this.thread, open, setup };
    if (turn.toolResults !== undefined) {
      await this.#mark(turn);
      return beginWithResults(context, turn, turn.toolResults);
    }
    return turn.attempt > 1 && open.conversation.resumed ? beginAgain(context, turn) : undefined;
  }

  async #beginNew(turn: HarnessTurn, open: OpenConversation, emit: Emit): Promise<Beginning> {
    await this.#codexTurn?.turn.done;
    const calls = await this.#removeRefusedTurns(open, emit);
    const history = turn.history ?? (this.#isBlank ? await turn.recall?.() : undefined);
    const prompt = withHistory(history, prependRefusal(calls, turn.prompt));
    return { kind: 'start', events: [], prompt, further: turn.furtherMessages ?? [] };
  }

  /** Removes refused turns from the end of the conversation. Returns the tool calls of these turns. */
  async #removeRefusedTurns({ running, conversation }: OpenConversation, emit: Emit): Promise<readonly RefusedCall[]> {
    if (!this.#mayHoldRefused) return [];
    const shorter = await removeRefusedTurns(running, conversation);
    this.#mayHoldRefused = false;
    if (shorter === undefined) return [];
    if (shorter.conversation !== conversation) {
      this.#emitConversation(await this.#process.adopt({ running, conversation: shorter.conversation }), emit);
    }
    this.#isBlank = shorter.isEmpty;
    return shorter.calls;
  }

  /** Has Codex begin a turn, and reads it. */
  async #start(turn: HarnessTurn, setup: Setup, turnState: RunningTurn, prompt: Prompt): Promise<void> {
    await this.#codexTurn?.turn.done;
    const open = this.#process.current;
    if (open === undefined) return;
    const { running, conversation } = open;
    const { threadId } = conversation;
    const input = await this.#toInput(prompt);
    this.#decoder.apply((state) => [{ ...state, turnId: undefined }, []]);
    const { server } = running;
    const calls = new CallerCalls(setup.tools, (id, result) => server.respond(id, result), checkStrictInput);
    const codexTurn = new CodexTurn({
      server,
      threadId,
      decoder: this.#decoder,
      calls,
      files: this.thread.files,
      place: { conversation: threadId, from: await this.#recordedBytes(setup, threadId) },
      onStarted: (codexTurnId) => {
        turnState.codexTurnId = codexTurnId;
        void this.#interruptIfKnown(turnState);
      },
    });
    this.#codexTurn = { turn: codexTurn, calls, answerKey: JSON.stringify(turn.outputSchema ?? null) };
    const over = codexTurn.read(turnState.emit);
    // If `turn/start` fails, its error ends the turn; this avoids an unhandled rejection.
    over.catch(() => undefined);
    try {
      const parameters = { threadId, clientUserMessageId: turn.id, input, ...toTurnParameters(this.thread, turn) };
      await server.request('turn/start', parameters);
      this.#process.keepTurns();
      await over;
    } catch (error) {
      codexTurn.stop();
      throw error;
    }
    this.#isBlank = false;
  }

  /** Length of the recording before a turn that may call tools of the caller. */
  async #recordedBytes({ toolsKey }: Setup, threadId: string): Promise<number> {
    if (toolsKey === '') return 0;
    const [path] = await findRecordings(this.thread.files, threadId);
    return path === undefined ? 0 : recordingSize(this.thread.files, path);
  }

  async #toInput(prompt: Prompt): Promise<readonly JsonObject[]> {
    const { input, uploads } = toCodexInput(prompt, uploadFolder(this.thread));
    await writeUploads(this.thread.files, uploads);
    return input;
  }

  /** Remembers where a turn with results begins. */
  async #mark({ id, toolResults = [] }: HarnessTurn): Promise<void> {
    const notes = await this.#process.notes();
    if (notes === undefined) return;
    await this.#process.keepNotes(withMark(notes, { turnId: id, callIds: toolResults.map(({ callId }) => callId) }));
  }

  /** Sends a requested interrupt, once the turn has started. */
  async #interruptIfKnown(turn: RunningTurn): Promise<void> {
    const open = this.#process.current;
    if (!turn.interruptRequested || turn.codexTurnId === undefined || open === undefined) return;
    try {
      const { threadId } = open.conversation;
      await open.running.server.request('turn/interrupt', { threadId, turnId: turn.codexTurnId });
    } catch (error) {
      // The turn may have ended by itself in the meantime.
      this.logger.debug(`failed to interrupt Codex: ${describe(error)}`);
    }
  }
}
