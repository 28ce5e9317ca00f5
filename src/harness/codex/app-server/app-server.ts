import { type Observable, Subject } from 'rxjs';
import type { SandboxProcess } from '../../../sandbox/sandbox.js';
import type { JsonObject, JsonValue } from '../../../domain/harness-event.js';
import { isJsonObject, asNumber, asObject, parseObject, asString } from '../../../domain/json.js';
import { respondToServerRequest } from './server-request.js';

/** The app-server refused a request, or exited before it answered. */
export class AppServerError extends Error {
  override readonly name = 'AppServerError';

  constructor(
    message: string,
    /** JSON-RPC's error code; `undefined` if the process exited. */
    readonly code: number | undefined,
  ) {
    super(message);
  }
}

interface PendingRequest {
  readonly resolve: (result: JsonObject) => void;
  readonly reject: (error: AppServerError) => void;
}

/**
 * A client of `codex app-server`: JSON-RPC without the `jsonrpc` field, one message per line (Codex 0.169.0). It answers
 * requests of the server itself, so that Codex never waits for a human; only calls of the caller's tools are passed on.
 */
export class AppServer {
  readonly #messages = new Subject<readonly JsonObject[]>();
  readonly #pending = new Map<number, PendingRequest>();
  #requests = 0;
  #exited = false;

  /** @param onMalformed receives the length of each line that is not a JSON object */
  constructor(
    private readonly process: SandboxProcess,
    private readonly onMalformed: (length: number) => void,
  ) {
    process.lines$.subscribe({ next: (lines) => this.#read(lines), complete: () => this.#end() });
  }

  /**
   * Notifications of the server, and its requests `item/tool/call`, one batch per read. Hot; completes when the process exits, never
   * errors.
   */
  get messages$(): Observable<readonly JsonObject[]> {
    return this.#messages.asObservable();
  }

  /** Sends a request. Rejects with an {@link AppServerError}. */
  request(method: string, params: JsonObject): Promise<JsonObject> {
    if (this.#exited) return Promise.reject(new AppServerError('The process of the agent is gone.', undefined));
    this.#requests += 1;
    const id = this.#requests;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#write({ id, method, params });
    });
  }

  /** Sends a notification. */
  notify(method: string): void {
    this.#write({ method });
  }

  /** Answers a request of the server that {@link messages$} emitted. */
  respond(id: JsonValue, result: JsonObject): void {
    this.#write({ id, result });
  }

  #write(message: JsonObject): void {
    this.process.writeLine(JSON.stringify(message));
  }

  #read(lines: readonly string[]): void {
    const batch: JsonObject[] = [];
    for (const line of lines) {
      const message = parseObject(line);
      if (message === undefined) this.onMalformed(line.length);
      else if (message['method'] === undefined) this.#settle(message);
      else if (message['id'] === undefined || message['method'] === 'item/tool/call') batch.push(message);
      else this.#answer(message['id'], message);
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
      pending.reject(new AppServerError(asString(error['message']) ?? 'refused', asNumber(error['code'])));
    } else {
      pending.resolve(asObject(message['result']));
    }
  }

  #answer(id: JsonValue, request: JsonObject): void {
    this.#write({ id, ...respondToServerRequest(asString(request['method']) ?? '', asObject(request['params'])) });
  }

  #end(): void {
    this.#exited = true;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(new AppServerError('The process of the agent is gone.', undefined));
    this.#messages.complete();
  }
}
