import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import type { CallerTools } from '../../../domain/caller-tool.js';
import { toOwnNames } from '../../caller-mcp/names.js';
import { PromptOutput } from '../caller-tools/prompt-output.js';
import type { OpenAcpSession } from '../conversation/acp-process.js';
import type { AcpState } from '../decode/state.js';
import type { AcpTurn } from './acp-turn.js';
import { runPrompt } from './read-turn.js';

/** What a prompt is run with. */
export interface PromptOptions {
  readonly open: OpenAcpSession;
  readonly state: AcpState;
  readonly callerTools: CallerTools | undefined;
  /** Called before the events that end the prompt, with the state after it. */
  readonly onDone: (state: AcpState) => Promise<void>;
  /** The failure that stands for an error, such as a process that is gone. */
  readonly toFailure: (error: unknown) => HarnessEvent;
}

/** A prompt that an agent works on. Turns read it one after the other: one that waits for the caller's tools is over, and its prompt is not. */
export class RunningPrompt {
  readonly open: OpenAcpSession;
  readonly output: PromptOutput;
  /** Resolves when the agent is done with it, or gone. Never rejects. */
  readonly done: Promise<void>;
  #reader: AcpTurn;

  /** Sends the prompt; `reader` gets what the agent tells. */
  constructor(
    private readonly options: PromptOptions,
    blocks: readonly JsonObject[],
    reader: AcpTurn,
  ) {
    const { open, callerTools } = options;
    this.open = open;
    this.#reader = reader;
    this.output = new PromptOutput({
      toOwnName: toOwnNames(callerTools),
      allowsParallelCalls: callerTools?.allowsParallelCalls ?? true,
      onEvents: (events) => this.#reader.emit(events),
    });
    this.done = this.#run(blocks);
  }

  /** Lets another turn read what comes from now on. */
  continueIn(reader: AcpTurn): void {
    this.#reader = reader;
    this.output.continueTurn();
  }

  /** Resolves when the turn that reads it is over, or there is nothing more to read. */
  async untilRead(): Promise<void> {
    await Promise.race([this.done, this.#reader.over]);
  }

  /** Asks the agent to end it. */
  cancel(): void {
    this.open.agent.cancel(this.open.sessionId);
  }

  async #run(blocks: readonly JsonObject[]): Promise<void> {
    const { open, state, onDone, toFailure } = this.options;
    const { agent, sessionId } = open;
    try {
      const read = await runPrompt({ agent, sessionId, state, emit: this.output.emit }, blocks);
      await onDone(read.state);
      this.output.emit(read.events);
    } catch (error) {
      this.output.emit([toFailure(error)]);
    } finally {
      this.output.close();
    }
  }
}
