import type { Logger } from '@nestjs/common';
import type { JsonObject } from '../../../domain/harness-event.js';
import type { Prompt } from '../../../domain/prompt.js';
import type { FurtherMessage, HarnessThread, HarnessTurn } from '../../harness.js';
import { toCodexInput } from '../app-server/input.js';
import { toTurnParameters } from '../app-server/launch.js';
import { describe } from '../app-server/session-error.js';
import { DynamicToolCalls } from '../caller-tools/caller-calls.js';
import { checkStrictInput } from '../caller-tools/check-input.js';
import { toToolOutput } from '../caller-tools/tool-output.js';
import { withElement, withoutElement } from '../decode/state.js';
import { findRecordings, recordingSize } from '../record/rollout.js';
import type { CodexProcess } from './codex-process.js';
import { CodexTurn } from './codex-turn.js';
import type { CodexDecoder } from './decoder.js';
import type { CodexRunningTurn } from './running-turn.js';
import type { Setup } from './setup.js';
import { uploadFolder, writeUploads } from '../../prompt/uploads.js';

/** What a turn of Codex begins with. */
export interface CodexTurnInput {
  /** What the user says; empty if the model goes on from the record. */
  readonly prompt: Prompt;
  /** Further messages of the user. */
  readonly further: readonly FurtherMessage[];
}

/** The newest turn of Codex, and the calls that it makes. */
interface NewestTurn {
  readonly turn: CodexTurn;
  readonly calls: DynamicToolCalls;
  /** Identifies the schema of its answer. */
  readonly answerKey: string;
}

/** The turns of Codex in a session, one after the other: begins them, and hands over what comes while they run. */
export class CodexTurns {
  #newest: NewestTurn | undefined;

  constructor(
    private readonly thread: HarnessThread,
    private readonly process: CodexProcess,
    private readonly decoder: CodexDecoder,
    private readonly logger: Logger,
  ) {}

  /** Whether the newest turn waits for results of the caller's tools. */
  get isParked(): boolean {
    return this.#newest?.turn.isParked === true;
  }

  /** Resolves when Codex is done with the newest turn. */
  async settled(): Promise<void> {
    await this.#newest?.turn.done;
  }

  /** Whether the newest turn waits for the results of this turn of ours, and can go on with them as it wants it. */
  isAwaiting({ toolResults, outputSchema, dropFrom }: HarnessTurn, setup: Setup): boolean {
    if (!this.isParked || this.#newest === undefined || toolResults === undefined || dropFrom !== undefined)
      return false;
    const given = new Set(toolResults.map(({ callId }) => callId));
    const { calls, answerKey } = this.#newest;
    return calls.open.every((id) => given.has(id)) && this.process.isOpenAs(setup) && answerKey === toKey(outputSchema);
  }

  /** Has Codex begin a turn, and reads it. Resolves when our turn is over; rejects if it cannot begin, or the process exits. */
  async start(
    turn: HarnessTurn,
    setup: Setup,
    running: CodexRunningTurn,
    { prompt, further }: CodexTurnInput,
  ): Promise<void> {
    const open = this.process.opened;
    const { threadId } = open.conversation;
    // Without a prompt, the first further message takes its place: the model would be called without it otherwise.
    const [first, later] = prompt.length > 0 ? [undefined, further] : [further[0], further.slice(1)];
    const input = await this.#toInput(first?.prompt ?? prompt);
    const from = await this.#recordedBytes(setup, threadId);
    this.decoder.apply((state) => [
      { ...state, turnId: undefined, unheard: new Set(first === undefined ? [] : [first.id]) },
      [],
    ]);
    const newest = this.#begin(turn, setup, running, { conversation: threadId, from });
    const over = newest.read(running.emit);
    // If `turn/start` fails, its error ends the turn; this avoids an unhandled rejection.
    over.catch(() => undefined);
    try {
      const clientUserMessageId = first?.id ?? turn.id;
      const parameters = { threadId, clientUserMessageId, input, ...toTurnParameters(this.thread, turn) };
      await open.running.server.request('turn/start', parameters);
      this.process.keepTurns();
      await this.#handAll(running, later);
      await over;
    } catch (error) {
      newest.stop();
      throw error;
    }
  }

  /** Hands results to the turn that waits for them, and reads it on. Resolves and rejects as {@link start}. */
  async answer(turn: HarnessTurn, setup: Setup, running: CodexRunningTurn): Promise<void> {
    const [newest, open] = [this.#newest, this.process.opened];
    const codexTurnId = newest?.turn.id;
    if (newest === undefined || codexTurnId === undefined) return;
    const results = (turn.toolResults ?? []).map((result) => ({
      callId: result.callId,
      output: toToolOutput(result, uploadFolder(this.thread)),
    }));
    await writeUploads(
      this.thread.files,
      results.flatMap(({ output }) => output.uploads),
    );
    const input = await this.#toInput(turn.prompt);
    // Before the results: the model hears it after them, while a turn that has its results may be over (0.169.0, seen).
    if (input.length > 0) {
      const place = { threadId: open.conversation.threadId, expectedTurnId: codexTurnId };
      await open.running.server.request('turn/steer', { ...place, clientUserMessageId: turn.id, input });
    }
    newest.calls.useTools(setup.tools);
    running.start(codexTurnId);
    const over = newest.turn.read(running.emit);
    newest.turn.unpark();
    over.catch(() => undefined);
    await this.#handAll(running, turn.furtherMessages ?? []);
    for (const { callId, output } of results) newest.calls.settle(callId, output);
    newest.turn.emitCalls();
    await over;
  }

  /** Ends the turn that waits, as no turn of ours brings its results, or none so that it could go on. */
  async leave({ toolResults, dropFrom }: HarnessTurn): Promise<void> {
    const [newest, open] = [this.#newest, this.process.opened];
    // Its record stays as it is, to go on from it.
    if (toolResults !== undefined || dropFrom !== undefined) return this.process.stop(0);
    const place = { threadId: open.conversation.threadId, turnId: newest?.turn.id ?? '' };
    await open.running.server.request('turn/interrupt', place);
    await newest?.turn.done;
  }

  /**
   * Hands a message to the running turn; resolves to whether the model hears it. Codex 0.169.0 has the model hear each message that it takes,
   * at the very end of a turn too, unless the turn fails or is interrupted: it then drops the message, and its record does not have
   * it (seen).
   */
  async steer(running: CodexRunningTurn, message: FurtherMessage): Promise<boolean> {
    const { isHeard } = await this.#hand(running, message);
    return isHeard;
  }

  /** Hands messages over one after the other, so that the model hears them in their order. */
  async #handAll(running: CodexRunningTurn, messages: readonly FurtherMessage[]): Promise<void> {
    for (const message of messages) await this.#hand(running, message);
  }

  /** Resolves when Codex has taken the message, or refused it; `isHeard` when the model has heard it, or will not. */
  async #hand(
    running: CodexRunningTurn,
    { id, prompt }: FurtherMessage,
  ): Promise<{ readonly isHeard: boolean | Promise<boolean> }> {
    const codexTurnId = await running.started;
    if (codexTurnId === undefined || running.isOver) return { isHeard: false };
    const isHeard = running.hears(id);
    try {
      const open = this.process.opened;
      const input = await this.#toInput(prompt);
      this.decoder.apply((state) => [{ ...state, unheard: withElement(state.unheard, id) }, []]);
      const place = { threadId: open.conversation.threadId, expectedTurnId: codexTurnId };
      await open.running.server.request('turn/steer', { ...place, clientUserMessageId: id, input });
    } catch (error) {
      // The turn may have ended by itself in the meantime.
      this.logger.debug(`failed to steer Codex: ${describe(error)}`);
      this.decoder.apply((state) => [{ ...state, unheard: withoutElement(state.unheard, id) }, []]);
      running.refuse(id);
    }
    return { isHeard };
  }

  /** Sends a requested interrupt, once the turn has started. */
  async interrupt(running: CodexRunningTurn): Promise<void> {
    const codexTurnId = await running.started;
    const open = this.process.current;
    if (codexTurnId === undefined || running.isOver || open === undefined) return;
    try {
      await open.running.server.request('turn/interrupt', {
        threadId: open.conversation.threadId,
        turnId: codexTurnId,
      });
    } catch (error) {
      // The turn may have ended by itself in the meantime.
      this.logger.debug(`failed to interrupt Codex: ${describe(error)}`);
    }
  }

  #begin(
    turn: HarnessTurn,
    setup: Setup,
    running: CodexRunningTurn,
    place: { readonly conversation: string; readonly from: number },
  ): CodexTurn {
    const { server } = this.process.opened.running;
    const calls = new DynamicToolCalls(setup.tools, (id, result) => server.respond(id, result), checkStrictInput);
    const newest = new CodexTurn({
      server,
      threadId: place.conversation,
      decoder: this.decoder,
      calls,
      files: this.thread.files,
      place,
      onStarted: (codexTurnId) => running.start(codexTurnId),
    });
    this.#newest = { turn: newest, calls, answerKey: toKey(turn.outputSchema) };
    return newest;
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
}

function toKey(schema: JsonObject | undefined): string {
  return JSON.stringify(schema ?? null);
}
