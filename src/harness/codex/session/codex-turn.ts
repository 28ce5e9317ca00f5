import { setTimeout as delay } from 'node:timers/promises';
import type { Subscription } from 'rxjs';
import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asObject, asString, isJsonObject, parseObject } from '../../../domain/json.js';
import type { ThreadFiles } from '../../../sandbox/files/thread-files.js';
import { JsonRpcError } from '../../json-rpc/json-rpc-error.js';
import type { AppServer } from '../app-server/app-server.js';
import { awaitMessage, type MessagePlace } from '../caller-tools/await-message.js';
import { type DynamicToolCalls, isCallerCall } from '../caller-tools/caller-calls.js';
import { parkCodexTurn, unparkTurn } from '../decode/parking.js';
import type { CompleteMessage, RecordedCall } from '../record/rollout-lines.js';
import type { CodexDecoder } from './decoder.js';

/** How long inner tools of the same message may go on, or take to begin, before the turn ends with the caller's calls. */
const INNER_GRACE_MS = 1_000;
const INNER_POLL_MS = 10;

/** Takes the events of a turn. */
export type Emit = (events: readonly HarnessEvent[]) => void;

/** What a turn of Codex needs of its session. */
export interface CodexTurnContext {
  readonly server: AppServer;
  readonly threadId: string;
  readonly decoder: CodexDecoder;
  readonly calls: DynamicToolCalls;
  readonly files: ThreadFiles;
  /** Where its next message is recorded. */
  readonly place: MessagePlace;
  /** Called once, when Codex has named the turn. */
  readonly onStarted: (codexTurnId: string) => void;
}

/** Who reads the turn at present. */
interface Reader {
  readonly emit: Emit;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One turn of Codex, which answers several of ours if the agent waits for the caller's tools between them. What arrives while it
 * waits is kept for the next reader.
 */
export class CodexTurn {
  /** Resolves at Codex's own end of the turn, or that of the process. */
  readonly done: Promise<void>;
  #finish: () => void = () => undefined;
  #subscription: Subscription | undefined;
  #reader: Reader | undefined;
  #kept: JsonObject[] = [];
  #codexTurnId: string | undefined;
  #isOver = false;
  #isParking = false;
  /** Calls that Codex has requested, and that are not taken yet. */
  readonly #requested: RecordedCall[] = [];
  #countedOffset: number | undefined;
  #place: MessagePlace;

  constructor(private readonly context: CodexTurnContext) {
    this.#place = context.place;
    this.done = new Promise((resolve) => (this.#finish = resolve));
    this.#subscription = context.server.messages$.subscribe({
      next: (batch) => this.#receive(batch),
      complete: () => this.#exit(),
    });
  }

  /** Codex's name of the turn; `undefined` before `turn/started`. */
  get id(): string | undefined {
    return this.#codexTurnId;
  }

  /** Whether it waits for results of the caller's tools, and no turn of ours reads it. */
  get isParked(): boolean {
    return this.#reader === undefined && !this.#isOver && this.context.calls.open.length > 0;
  }

  /**
   * Emits its events from now on. Resolves when our turn is over: at Codex's own end, shortly after the error that ends the turn for us, as a
   * prompt sent in between would be lost; or when the agent waits for the caller. Rejects if the process exits first.
   */
  read(emit: Emit): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#reader = { emit, resolve, reject };
      const kept = this.#kept.splice(0);
      if (kept.length > 0) this.#handle(kept);
      if (this.#isOver) reject(processGone());
    });
  }

  /** Begins our next turn in this one; call it between {@link read} and the results. */
  unpark(): void {
    this.#emit(this.context.decoder.apply(unparkTurn));
  }

  /** Goes on with calls that waited for those before them. Call it when results were given. */
  emitCalls(): void {
    if (this.#isParking || this.#reader === undefined) return;
    this.#isParking = true;
    this.#park(this.#reader).catch((error: unknown) => this.#reader?.reject(error));
  }

  /** Ends it without Codex, which never began it. */
  stop(): void {
    this.#isOver = true;
    this.#subscription?.unsubscribe();
    this.#finish();
    this.#reader?.resolve();
    this.#reader = undefined;
  }

  #receive(batch: readonly JsonObject[]): void {
    if (this.#reader === undefined) this.#kept.push(...batch);
    else this.#handle(batch);
    if (batch.some((message) => this.#isEnd(message))) this.stop();
  }

  #handle(batch: readonly JsonObject[]): void {
    const { decoder } = this.context;
    const events: HarnessEvent[] = [];
    for (const message of batch) {
      if (message['method'] === 'item/tool/call') this.#takeCall(message);
      else events.push(...decoder.decode(message));
      if (this.#codexTurnId === undefined && decoder.state.turnId !== undefined) {
        this.#codexTurnId = decoder.state.turnId;
        this.context.onStarted(decoder.state.turnId);
      }
    }
    this.#emit(events);
    if (this.#requested.length > 0) this.emitCalls();
  }

  #takeCall({ id, params }: JsonObject): void {
    const { callId, tool, namespace, arguments: input } = asObject(params);
    const name = asString(callId);
    if (name === undefined || id === undefined) return;
    this.#requested.push({
      id: name,
      name: asString(tool) ?? '',
      namespace: asString(namespace),
      input: isJsonObject(input) ? input : parseObject(asString(input) ?? ''),
      isCustom: false,
    });
    this.context.calls.request(name, id);
  }

  #isEnd({ method, params }: JsonObject): boolean {
    return method === 'turn/completed' && asObject(params)['threadId'] === this.context.threadId;
  }

  #emit(events: readonly HarnessEvent[]): void {
    if (events.length === 0) return;
    this.#reader?.emit(events);
  }

  /**
   * Ends our turn once the message that made the calls is complete, and the inner tools of it have had a moment to end. The calls go out
   * then, as Codex 0.169.0 requests those of a message in any order (seen).
   */
  async #park(reader: Reader): Promise<void> {
    const isOver = (): boolean => this.#isOver || this.#reader !== reader;
    const { calls, decoder } = this.context;
    try {
      const message = await this.#takeMessage(isOver);
      if (isOver()) return;
      this.#emit(calls.takeEmittable().map((call) => ({ type: 'caller-tool-call', ...call })));
      if (calls.open.length === 0) return;
      await this.#waitForInnerTools(message, isOver);
      if (isOver()) return;
      const events = decoder.apply((state) => parkCodexTurn(state, this.#countOnce(message)));
      this.#reader = undefined;
      reader.emit(events);
      reader.resolve();
    } finally {
      this.#isParking = false;
      if (this.#requested.length > 0) this.emitCalls();
    }
  }

  /** Takes the calls that Codex has requested, and all others of the same message of the model, in the order of the message. */
  async #takeMessage(isOver: () => boolean): Promise<CompleteMessage | undefined> {
    const { calls, files } = this.context;
    const [first] = this.#requested;
    const message = first === undefined ? undefined : await awaitMessage(files, this.#place, first.id, isOver);
    if (isOver()) return undefined;
    if (message !== undefined) this.#place = { ...this.#place, from: message.offset };
    for (const call of [...(message?.calls.filter(isCallerCall) ?? []), ...this.#requested.splice(0)]) calls.add(call);
    await calls.checked();
    return message;
  }

  async #waitForInnerTools(message: CompleteMessage | undefined, isOver: () => boolean): Promise<void> {
    const { decoder } = this.context;
    const inner = (message?.calls ?? []).filter((call) => !isCallerCall(call));
    const isRunning = (): boolean =>
      decoder.state.calls.size > 0 || inner.some(({ id }) => !decoder.state.done.has(id));
    for (let ms = 0; isRunning() && ms < INNER_GRACE_MS && !isOver(); ms += INNER_POLL_MS) await delay(INNER_POLL_MS);
  }

  /** A message whose tokens are not counted yet; the calls of one message may end several turns. */
  #countOnce(message: CompleteMessage | undefined): CompleteMessage | undefined {
    if (message === undefined || message.offset === this.#countedOffset) return undefined;
    this.#countedOffset = message.offset;
    return message;
  }

  #exit(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    this.stop();
    reader?.reject(processGone());
  }
}

function processGone(): JsonRpcError {
  return new JsonRpcError('The process of the agent ended in the middle of the turn.', undefined);
}
