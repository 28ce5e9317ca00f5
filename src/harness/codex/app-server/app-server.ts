import { type Observable, Subject } from 'rxjs';
import type { SandboxProcess } from '../../../sandbox/sandbox.js';
import type { JsonObject, JsonValue } from '../../../domain/harness-event.js';
import { isJsonObject, asNumber, asObject, parseObject, asString } from '../../../domain/json.js';
import { respondToServerRequest } from './server-request.js';

/** The app-server refused a request, or went away before it answered one. */
export class AppServerError extends Error {
  override readonly name = 'AppServerError';

  constructor(
    message: string,
    /** JSON-RPC's error code; `undefined` when the process went away. */
    readonly code: number | undefined,
  ) {
    super(message);
  }
}

interface Waiting {
  readonly resolve: (result: JsonObject) => void;
  readonly reject: (error: AppServerError) => void;
}

/**
 * A client of `codex app-server`: JSON-RPC without the `jsonrpc` field, one message per line (Codex 0.169.0). Requests of the
 * server are answered here, so that it never waits for a human.
 */
export class AppServer {
  readonly #notifications = new Subject<readonly JsonObject[]>();
  readonly #waiting = new Map<number, Waiting>();
  #requests = 0;
  #gone = false;

  /** `onMalformed` is told the length of every line that is not a JSON object. */
  constructor(
    private readonly process: SandboxProcess,
    private readonly onMalformed: (length: number) => void,
  ) {
    process.lines$.subscribe({ next: (lines) => this.#read(lines), complete: () => this.#end() });
  }

  /** What the server tells, in the batches it was read in. Hot; completes when the process is gone, never errors. */
  get notifications$(): Observable<readonly JsonObject[]> {
    return this.#notifications.asObservable();
  }

  /** Asks the server. Rejects with an {@link AppServerError}. */
  request(method: string, params: JsonObject): Promise<JsonObject> {
    if (this.#gone) return Promise.reject(new AppServerError('The process of the agent is gone.', undefined));
    this.#requests += 1;
    const id = this.#requests;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#write({ id, method, params });
    });
  }

  /** Tells the server. */
  notify(method: string): void {
    this.#write({ method });
  }

  #write(message: JsonObject): void {
    this.process.writeLine(JSON.stringify(message));
  }

  #read(lines: readonly string[]): void {
    const told: JsonObject[] = [];
    for (const line of lines) {
      const message = parseObject(line);
      if (message === undefined) this.onMalformed(line.length);
      else if (message['method'] === undefined) this.#settle(message);
      else if (message['id'] === undefined) told.push(message);
      else this.#answer(message['id'], message);
    }
    if (told.length > 0) this.#notifications.next(told);
  }

  #settle(message: JsonObject): void {
    const id = asNumber(message['id']);
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (id === undefined || waiting === undefined) return;
    this.#waiting.delete(id);
    const error = message['error'];
    if (isJsonObject(error)) {
      waiting.reject(new AppServerError(asString(error['message']) ?? 'refused', asNumber(error['code'])));
    } else {
      waiting.resolve(asObject(message['result']));
    }
  }

  #answer(id: JsonValue, request: JsonObject): void {
    this.#write({ id, ...respondToServerRequest(asString(request['method']) ?? '', asObject(request['params'])) });
  }

  #end(): void {
    this.#gone = true;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(new AppServerError('The process of the agent is gone.', undefined));
    this.#notifications.complete();
  }
}
