import { type Observable, Subject } from 'rxjs';
import type { JsonObject } from '../../../domain/harness-event.js';
import { asObject, asString, parseObject } from '../../../domain/json.js';
import type { SandboxProcess } from '../../../sandbox/sandbox.js';

/** Pi refused a command, or exited before it answered. */
export class PiRpcError extends Error {
  override readonly name = 'PiRpcError';

  constructor(
    message: string,
    /** Whether the process exited. */
    readonly isGone: boolean,
  ) {
    super(message);
  }
}

interface PendingCommand {
  readonly resolve: (data: JsonObject) => void;
  readonly reject: (error: PiRpcError) => void;
}

/** Dialogs of extensions, which wait for an answer (1.6.0, rpc-extension-ui.md). Nobody is there to give one. */
const DIALOGS: readonly unknown[] = ['select', 'confirm', 'input', 'editor'];

/** A client of `pi --mode rpc` (1.6.0): one JSON object per line, commands with ids, responses with the same ids, and events. */
export class PiRpc {
  readonly #events = new Subject<readonly JsonObject[]>();
  readonly #pending = new Map<string, PendingCommand>();
  #commands = 0;
  #hasExited = false;

  /** @param onMalformed receives the length of each line that is not a JSON object */
  constructor(
    private readonly process: Pick<SandboxProcess, 'lines$' | 'writeLine'>,
    private readonly onMalformed: (length: number) => void,
  ) {
    process.lines$.subscribe({ next: (lines) => this.#read(lines), complete: () => this.#end() });
  }

  /** The events of the session, one batch per read. Hot; completes when the process exits, never errors. */
  get events$(): Observable<readonly JsonObject[]> {
    return this.#events.asObservable();
  }

  /** Sends a command. Resolves to the `data` of its response; rejects with a {@link PiRpcError}. */
  request(command: JsonObject): Promise<JsonObject> {
    if (this.#hasExited) return Promise.reject(gone());
    this.#commands += 1;
    const id = `c${this.#commands}`;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.process.writeLine(JSON.stringify({ id, ...command }));
    });
  }

  #read(lines: readonly string[]): void {
    const batch: JsonObject[] = [];
    for (const line of lines) {
      const message = parseObject(line);
      if (message === undefined) this.onMalformed(line.length);
      else if (message['type'] === 'response') this.#settle(message);
      else if (message['type'] === 'extension_ui_request') this.#cancel(message);
      else batch.push(message);
    }
    if (batch.length > 0) this.#events.next(batch);
  }

  #settle(response: JsonObject): void {
    const id = asString(response['id']) ?? '';
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (response['success'] === true) pending?.resolve(asObject(response['data']));
    else pending?.reject(new PiRpcError(asString(response['error']) ?? 'refused', false));
  }

  #cancel({ id, method }: JsonObject): void {
    if (id === undefined || !DIALOGS.includes(method)) return;
    this.process.writeLine(JSON.stringify({ type: 'extension_ui_response', id, cancelled: true }));
  }

  #end(): void {
    this.#hasExited = true;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(gone());
    this.#events.complete();
  }
}

function gone(): PiRpcError {
  return new PiRpcError('The process of the agent is gone.', true);
}
