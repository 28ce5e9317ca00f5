import type { CallerTool, CallerToolCall } from '../../../domain/caller-tool.js';
import type { JsonObject, JsonValue } from '../../../domain/harness-event.js';
import type { RecordedCall } from '../record/rollout-lines.js';
import { CALLER_NAMESPACE, type CarriedTools } from './carried-tools.js';
import { toCallAnswer, type ToolOutput, toTextOutput } from './tool-output.js';

/** Says what is wrong with the input of a strict tool; `undefined` if it is valid. */
export type CheckInput = (tool: CallerTool, input: JsonObject) => Promise<string | undefined>;

/** Sends the answer to a request of Codex. */
export type Answer = (requestId: JsonValue, result: JsonObject) => void;

/** Whether a recorded call is one of a tool of the caller. */
export function isCallerCall({ namespace }: Pick<RecordedCall, 'namespace'>): boolean {
  return namespace === CALLER_NAMESPACE;
}

/**
 * The calls of the caller's tools in one turn of Codex, from the model's call to the answer. A call is known from Codex's request, or
 * before it from the model's message: Codex 0.169.0 requests no further call while a tool of its own that runs alone, such as
 * `apply_patch`, waits for the ones before it (seen), but the caller gets all calls of a message at once.
 */
export class DynamicToolCalls {
  readonly #known = new Set<string>();
  /** Known, valid, and not emitted. */
  readonly #waiting: CallerToolCall[] = [];
  /** Emitted, without a result. */
  readonly #open = new Set<string>();
  /** Codex's requests that are not answered, by the id of their call. */
  readonly #requests = new Map<string, JsonValue>();
  /** Outputs of calls that Codex has not requested. */
  readonly #outputs = new Map<string, ToolOutput>();
  #checks: Promise<unknown> = Promise.resolve();

  constructor(
    private tools: CarriedTools,
    private readonly answerRequest: Answer,
    private readonly checkInput: CheckInput,
  ) {}

  /** Sets the tools of the turn that begins. */
  useTools(tools: CarriedTools): void {
    this.tools = tools;
  }

  /** Takes a call, from a request or from a message; one that is known is passed over. */
  add(call: RecordedCall): void {
    if (this.#known.has(call.id)) return;
    this.#known.add(call.id);
    const check = this.#admit(call);
    this.#checks = Promise.all([this.#checks, check]);
  }

  /** Takes Codex's request for a call. */
  request(callId: string, requestId: JsonValue): void {
    this.#requests.set(callId, requestId);
    this.#deliver(callId);
  }

  /** Resolves when no call is being checked. Rejects when no input can be checked. */
  async checked(): Promise<void> {
    await this.#checks;
  }

  /** The calls to emit now: all that are waiting, or the next one if the caller takes one at a time. */
  takeEmittable(): readonly CallerToolCall[] {
    const free = this.tools.allowsParallelCalls ? this.#waiting.length : 1 - this.#open.size;
    const taken = this.#waiting.splice(0, Math.max(0, free));
    for (const { id } of taken) this.#open.add(id);
    return taken;
  }

  /** The calls that were refused and that Codex has not requested, as it is not running any more. */
  get refused(): ReadonlyMap<string, ToolOutput> {
    return this.#outputs;
  }

  /** The emitted calls without a result, in their order. */
  get open(): readonly string[] {
    return [...this.#open];
  }

  /** Gives the result of a call; one that nobody waits for is passed over. */
  settle(callId: string, output: ToolOutput): void {
    if (!this.#open.delete(callId)) return;
    this.#answer(callId, output);
  }

  async #admit({ id, name, input }: RecordedCall): Promise<void> {
    const tool = this.tools.byCarriedName.get(name);
    if (tool === undefined) return this.#answer(id, toTextOutput('The caller has no such tool any more.', true));
    if (input === undefined) return this.#answer(id, toTextOutput('The input is not a JSON object.', true));
    if (tool.isStrict) {
      const problem = await this.checkInput(tool, input);
      if (problem !== undefined) return this.#answer(id, toTextOutput(problem, true));
    }
    this.#waiting.push({ id, name: tool.name, input });
  }

  #answer(callId: string, output: ToolOutput): void {
    this.#outputs.set(callId, output);
    this.#deliver(callId);
  }

  #deliver(callId: string): void {
    const [requestId, output] = [this.#requests.get(callId), this.#outputs.get(callId)];
    if (requestId === undefined || output === undefined) return;
    this.#requests.delete(callId);
    this.#outputs.delete(callId);
    this.answerRequest(requestId, toCallAnswer(output));
  }
}
