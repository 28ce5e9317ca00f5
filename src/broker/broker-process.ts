import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ownModule } from '../own-files.js';
import { parseFromBroker } from './message-schemas.js';
import type { BegunTurn, BrokerConfig, FromBroker, Listening, ModelTokens, ToBroker } from './protocol.js';

const MAIN = fileURLToPath(ownModule('broker/process/main'));

/** A process that dies sooner than this after its start is not replaced at once. */
const SHORT_LIFE_MS = 1000;
/** How long an answer of the process may take. */
const ANSWER_MS = 10_000;

/** What the server is told of the process. */
export interface BrokerListener {
  onRefused(threadId: string, what: string): void;
  /** An operator has to know something: a sentence. */
  onNotice(what: string): void;
  /** It died and is started again; requests of agents failed meanwhile, and the agents retry them. */
  onRestart(reason: string): void;
}

type Done = Extract<FromBroker, { readonly type: 'done' }>;
type Question = Extract<ToBroker, { readonly id: number }>;
type WithoutId<Message> = Message extends Question ? Omit<Message, 'id'> : never;

/**
 * The broker's process: started with the first thread, replaced when it dies, gone with the server. It gets its configuration, with the credentials, over
 * the IPC channel, so that neither its command line nor its environment has them.
 */
export class BrokerProcess {
  readonly #open = new Map<string, Listening>();
  /** The last turn of each open thread. */
  readonly #turns = new Map<string, BegunTurn>();
  readonly #waiting = new Map<number, { resolve: (done: Done) => void; reject: (error: Error) => void }>();
  #child: ChildProcess | undefined;
  #ready: Promise<unknown> = Promise.resolve();
  /** The port for threads without a socket. A new process takes the same, as programs that run know it. */
  #port: number | undefined;
  /** Where the server answers what agents ask of itself. */
  #endpointPort: number | undefined;
  #lastId = 0;
  #isClosed = false;

  /** @param program the program of the process */
  constructor(
    private readonly config: BrokerConfig,
    private readonly listener: BrokerListener,
    private readonly program: string = MAIN,
  ) {}

  /** The pid of the process that runs now. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /**
   * Takes requests of a thread's programs. Resolves with the port, if the thread has no socket.
   *
   * @throws if the process cannot listen
   */
  async open(threadId: string, listening: Listening): Promise<number | undefined> {
    this.#open.set(threadId, listening);
    if (this.#child === undefined) this.#start();
    const child = this.#child;
    const answer = await this.#askToOpen(threadId, listening).catch((error: unknown) => {
      // The turn need not fail because the process died just now.
      if (child === this.#child) throw error;
      if (this.#child === undefined) this.#start();
      return this.#askToOpen(threadId, listening);
    });
    this.#port = answer.port ?? this.#port;
    return answer.port;
  }

  /** Ends the connections of a thread, and takes no more. */
  close(threadId: string): void {
    this.#turns.delete(threadId);
    if (this.#open.delete(threadId)) this.#tell({ type: 'close', threadId });
  }

  /** Requests of agents to the server itself go to this port from now on. */
  relayTo(port: number): void {
    if (this.#endpointPort === port) return;
    this.#endpointPort = port;
    this.#tell({ type: 'endpoints', port });
  }

  /** A turn begins on an open thread. */
  beginTurn(threadId: string, turn: BegunTurn): void {
    if (!this.#open.has(threadId)) return;
    this.#turns.set(threadId, turn);
    this.#tell({ type: 'turn', threadId, ...turn, isUnderway: false });
  }

  /** The tokens of a turn by model; `undefined` if no living process has seen all of it. */
  async count(turnId: string): Promise<readonly ModelTokens[] | undefined> {
    if (this.#child === undefined) return undefined;
    // One that dies before it answers has not seen the end of the turn.
    return this.#ask({ type: 'count', turnId }).then(
      ({ tokens }) => tokens,
      () => undefined,
    );
  }

  /** Ends the process. Resolves when it has exited. */
  async stop(): Promise<void> {
    this.#isClosed = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      if (child.connected) child.disconnect();
    });
  }

  #start(): void {
    const startedAt = performance.now();
    const child = fork(this.program, {
      cwd: '/',
      // Everyone on the machine may read it who runs as the same user.
      env: {
        PATH: process.env['PATH'],
        NODE_EXTRA_CA_CERTS: process.env['NODE_EXTRA_CA_CERTS'],
        // The system's resolver takes one for each look-up, which slow names of one thread would use up for all.
        UV_THREADPOOL_SIZE: '32',
      },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'json',
    });
    this.#child = child;
    child.on('message', (message) => this.#read(message));
    child.once('error', (error) => this.#replace(child, startedAt, error.message));
    child.once('exit', (code, signal) => this.#replace(child, startedAt, `exited with ${String(signal ?? code)}`));
    // It is no reason for the server to stay.
    child.unref();
    child.channel?.unref();
    this.#ready = this.#ask({ type: 'configure', config: this.config });
    this.#ready.catch(() => undefined); // Reported by `replace`.
    if (this.#endpointPort !== undefined) this.#tell({ type: 'endpoints', port: this.#endpointPort });
    for (const [threadId, listening] of this.#open) {
      this.#askToOpen(threadId, listening).catch(() => undefined);
      const turn = this.#turns.get(threadId);
      if (turn !== undefined) this.#tell({ type: 'turn', threadId, ...turn, isUnderway: true });
    }
  }

  async #askToOpen(threadId: string, listening: Listening): Promise<Done> {
    await this.#ready;
    const isKnown = listening.kind === 'loopback' && this.#port !== undefined;
    return this.#ask({
      type: 'open',
      threadId,
      listening: isKnown ? { ...listening, port: this.#port } : listening,
    });
  }

  #replace(child: ChildProcess, startedAt: number, reason: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    for (const { reject } of this.#waiting.values()) reject(new Error(`the broker ${reason}`));
    this.#waiting.clear();
    if (this.#isClosed) return;
    this.listener.onRestart(reason);
    const pause = performance.now() - startedAt >= SHORT_LIFE_MS ? 0 : SHORT_LIFE_MS;
    setTimeout(() => {
      if (!this.#isClosed && this.#child === undefined && this.#open.size > 0) this.#start();
    }, pause).unref();
  }

  #read(value: unknown): void {
    const parsed = parseFromBroker(value);
    if (parsed.kind === 'malformed') {
      this.listener.onNotice(`The broker sent a message that is malformed: ${parsed.problem}.`);
      const waiting = parsed.id === undefined ? undefined : this.#waiting.get(parsed.id);
      waiting?.reject(new Error('the broker gave a malformed answer'));
      return;
    }
    const { message } = parsed;
    if (message.type === 'refused') {
      this.listener.onRefused(message.threadId, message.what);
      return;
    }
    if (message.type === 'notice') {
      this.listener.onNotice(message.what);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.type === 'done') waiting?.resolve(message);
    else waiting?.reject(new Error(`the broker failed: ${message.problem}`));
  }

  #ask(question: WithoutId<Question>): Promise<Done> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise<Done>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the broker does not answer')), ANSWER_MS);
      timer.unref();
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
      };
      this.#waiting.set(id, {
        resolve: (done) => {
          settle();
          resolve(done);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
      this.#tell({ ...question, id });
    });
  }

  #tell(message: ToBroker): void {
    // A message that is lost with a dying process is answered by `replace`.
    if (this.#child?.connected === true) this.#child.send(message, () => undefined);
  }
}
