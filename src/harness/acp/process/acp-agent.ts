import { type Observable, Subject } from 'rxjs';
import type { JsonObject } from '../../../domain/harness-event.js';
import { asObject, asString } from '../../../domain/json.js';
import type { SandboxProcess } from '../../../sandbox/sandbox.js';
import { JsonRpcError } from '../../json-rpc/json-rpc-error.js';
import { JsonRpcPeer, METHOD_NOT_FOUND } from '../../json-rpc/json-rpc-peer.js';
import { type AgentCapabilities, readCapabilities } from './capabilities.js';
import { answerPermission } from './permission.js';

/** How long an agent may take to start, and to open a session. Slow ones took 20 s on a busy machine (recording qwen.tool). */
const START_LIMIT_MS = 60_000;
/** How long anything else may take that an agent is asked, but a prompt. */
const SETTING_LIMIT_MS = 30_000;

/** The version of the protocol. */
const PROTOCOL_VERSION = 1;

/** No `fs` and no `terminal`: agents then use their own tools, in the sandbox. */
const INITIALIZE: JsonObject = {
  protocolVersion: PROTOCOL_VERSION,
  clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
  clientInfo: { name: 'chiron', title: 'Chiron', version: '1' },
};

const PERMISSION = 'session/request_permission';

/** The agent speaks another version of the protocol. */
export class ProtocolVersionError extends Error {
  override readonly name = 'ProtocolVersionError';
}

/** Something that an agent tells of a session: an update, or the tool call for which it asks permission. */
export interface AgentMessage {
  readonly type: 'update' | 'permission';
  readonly sessionId: string | undefined;
  /** `update`, or `toolCall`. */
  readonly content: JsonObject;
}

/** A process that speaks the Agent Client Protocol. It gets an answer to all that it asks at once, so that it never waits for a human. */
export class AcpAgent {
  readonly #peer: JsonRpcPeer;
  readonly #messages = new Subject<readonly AgentMessage[]>();
  #capabilities: AgentCapabilities | undefined;
  /** Whether what asks for permission is refused, as its turn was cancelled. */
  isCancelling = false;
  #isStopping = false;

  /** @param onMalformed receives the length of each line that is not a JSON object */
  constructor(
    readonly process: SandboxProcess,
    onMalformed: (length: number) => void,
  ) {
    const answer = (method: string): JsonObject | undefined => (method === PERMISSION ? undefined : METHOD_NOT_FOUND);
    this.#peer = new JsonRpcPeer(process, { envelope: { jsonrpc: '2.0' }, answer }, onMalformed);
    this.#peer.messages$.subscribe({
      next: (batch) => this.#receive(batch),
      complete: () => this.#messages.complete(),
    });
  }

  /** What it tells, one batch per read. Hot; completes when the process exits, never errors. */
  get messages$(): Observable<readonly AgentMessage[]> {
    return this.#messages.asObservable();
  }

  /** What it can do. Call it after {@link initialize}. */
  get capabilities(): AgentCapabilities {
    if (this.#capabilities === undefined) throw new Error('the agent has not been initialized');
    return this.#capabilities;
  }

  /**
   * Begins to talk to it.
   *
   * @throws JsonRpcError if it refuses or has exited, JsonRpcTimeoutError, ProtocolVersionError
   */
  async initialize(): Promise<void> {
    const answer = await this.#peer.request('initialize', INITIALIZE, START_LIMIT_MS);
    if (answer['protocolVersion'] !== PROTOCOL_VERSION)
      throw new ProtocolVersionError('it speaks another version of the protocol');
    this.#capabilities = readCapabilities(answer);
  }

  /** Opens a session with `session/new`, `session/load` or `session/resume`. Throws as {@link initialize} does. */
  openSession(method: 'new' | 'load' | 'resume', params: JsonObject): Promise<JsonObject> {
    return this.#peer.request(`session/${method}`, params, START_LIMIT_MS);
  }

  /** Changes a setting of a session. Throws as {@link initialize} does. */
  async set(method: 'set_mode' | 'set_model' | 'set_config_option', params: JsonObject): Promise<void> {
    await this.#peer.request(`session/${method}`, params, SETTING_LIMIT_MS);
  }

  /**
   * Sends a prompt. Resolves at the end of its turn, whenever that is. Rejects with a JsonRpcError; that of a process which is gone, too, for a turn
   * that {@link stop} has broken off.
   */
  async prompt(sessionId: string, prompt: readonly JsonObject[]): Promise<JsonObject> {
    this.isCancelling = false;
    const answer = this.#peer.request('session/prompt', { sessionId, prompt });
    await answer.catch(() => undefined);
    if (this.#isBreakingOff) throw new JsonRpcError('The process of the agent is gone.', undefined);
    return answer;
  }

  /** Asks it to end the turn. */
  cancel(sessionId: string): void {
    this.isCancelling = true;
    this.#peer.notify('session/cancel', { sessionId });
  }

  /** Ends the process. Nobody hears what it says of the turn that this breaks off: Qwen Code 0.24.4 answers SIGTERM as it does a cancel. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    await this.process.stop(graceMs);
  }

  get #isBreakingOff(): boolean {
    return this.#isStopping && !this.isCancelling;
  }

  #receive(batch: readonly JsonObject[]): void {
    const told = batch.flatMap(({ id, method, params }): readonly AgentMessage[] => {
      const fields = asObject(params);
      const sessionId = asString(fields['sessionId']);
      if (method === PERMISSION && id !== undefined) {
        this.#peer.respond(id, answerPermission(fields, this.isCancelling || this.#isStopping));
        if (this.#isBreakingOff) return [];
        return [{ type: 'permission', sessionId, content: asObject(fields['toolCall']) }];
      }
      if (method !== 'session/update' || this.#isBreakingOff) return [];
      return [{ type: 'update', sessionId, content: asObject(fields['update']) }];
    });
    if (told.length > 0) this.#messages.next(told);
  }
}
