import { type Observable, Subject } from 'rxjs';
import type { SandboxProcess } from '../../sandbox/sandbox.js';
import type { JsonObject, JsonValue } from '../../domain/harness-event.js';
import { isJsonObject, asNumber, asObject, parseObject, asString } from '../../domain/json.js';
import { JsonRpcError, JsonRpcTimeoutError } from './json-rpc-error.js';

/** What differs between the protocols over JSON-RPC. */
export interface JsonRpcProtocol {
  /** Fields of every message that is sent, such as `jsonrpc`. */
  readonly envelope: JsonObject;
  /**
   * Answers a request of the other side: an object with `result` or `error`. `undefined` for one that {@link JsonRpcPeer.messages$} passes on, and
   * that {@link JsonRpcPeer.respond} answers.
   */
  answer(method: string, params: JsonObject): JsonObject | undefined;
}

/** What answers a request that this side does not know. */
export const METHOD_NOT_FOUND: JsonObject = { error: { code: -32601, message: 'Not supported by this client.' } };

interface PendingRequest {
  readonly resolve: (result: JsonObject) => void;
  readonly reject: (error: JsonRpcError | JsonRpcTimeoutError) => void;
}

/** One side of a JSON-RPC conversation with a process: one message per line, and both sides number their own requests. */
export class JsonRpcPeer {
  readonly #messages = new Subject<readonly JsonObject[]>();
  readonly #pending = new Map<number, PendingRequest>();
  #requests = 0;
  #exited = false;

  /** @param onMalformed receives the length of each line that is not a JSON object */
  constructor(
    private readonly process: SandboxProcess,
    private readonly protocol: JsonRpcProtocol,
    private readonly onMalformed: (length: number) => void,
  ) {
    process.lines$.subscribe({ next: (lines) => this.#read(lines), complete: () => this.#end() });
  }

  /**
   * Notifications of the other side, and those of its requests that the protocol does not answer, one batch per read. Hot; completes when
   * the process exits, never errors.
   */
  get messages$(): Observable<readonly JsonObject[]> {
    return this.#messages.asObservable();
  }

  /**
   * Sends a request. Rejects with a {@link JsonRpcError}, or with a {@link JsonRpcTimeoutError} after `limitMs`.
   *
   * @param limitMs how long the answer may take; absent for any time
   */
  request(method: string, params: JsonObject, limitMs?: number): Promise<JsonObject> {
    if (this.#exited) return Promise.reject(processGone());
    this.#requests += 1;
    const id = this.#requests;
    return new Promise((resolve, reject) => {
      const limit = limitMs === undefined ? undefined : setTimeout(() => this.#giveUp(id, method, limitMs), limitMs);
      this.#pending.set(id, {
        resolve: (result) => {
          clearTimeout(limit);
          resolve(result);
        },
        reject: (error) => {
          clearTimeout(limit);
          reject(error);
        },
      });
      this.#write({ id, method, params });
    });
  }

  /** Sends a notification. */
  notify(method: string, params?: JsonObject): void {
    this.#write({ method, ...(params === undefined ? {} : { params }) });
  }

  /** Answers a request of the other side that {@link messages$} emitted. */
  respond(id: JsonValue, result: JsonObject): void {
    this.#write({ id, result });
  }

  #write(message: JsonObject): void {
    this.process.writeLine(JSON.stringify({ ...this.protocol.envelope, ...message }));
  }

  #read(lines: readonly string[]): void {
    const batch: JsonObject[] = [];
    for (const line of lines) {
      const message = parseObject(line);
      if (message === undefined) this.onMalformed(line.length);
      else if (message['method'] === undefined) this.#settle(message);
      else if (message['id'] === undefined || !this.#answer(message['id'], message)) batch.push(message);
    }
    if (batch.length > 0) this.#messages.next(batch);
  }

  #settle(message: JsonObject): void {
    const id = asNumber(message['id']);
    const pending = id === undefined ? undefined : this.#pending.get(id);
    if (id === undefined || pending === undefined) return;
    this.#pending.delete(id);
    const error = message['error'];
    if (isJsonObject(error)) {
      // The code of an exit is `undefined`, so a refusal always has one.
      const code = asNumber(error['code']) ?? 0;
      pending.reject(new JsonRpcError(asString(error['message']) ?? 'refused', code, error['data']));
    } else {
      pending.resolve(asObject(message['result']));
    }
  }

  /** Whether the protocol answers the request. */
  #answer(id: JsonValue, request: JsonObject): boolean {
    const answer = this.protocol.answer(asString(request['method']) ?? '', asObject(request['params']));
    if (answer !== undefined) this.#write({ id, ...answer });
    return answer !== undefined;
  }

  #giveUp(id: number, method: string, limitMs: number): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.reject(new JsonRpcTimeoutError(method, limitMs));
  }

  #end(): void {
    this.#exited = true;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(processGone());
    this.#messages.complete();
  }
}

function processGone(): JsonRpcError {
  return new JsonRpcError('The process of the agent is gone.', undefined);
}
