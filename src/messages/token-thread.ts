import { Worker } from 'node:worker_threads';

/** How a thread is run. */
export interface TokenThreadOptions {
  /** The module that the thread runs. */
  readonly module: URL;
  /** How long the thread is kept without work, in milliseconds: it holds some 50 MB. */
  readonly idle: number;
}

/** What the thread answers. */
interface Counted {
  readonly id: number;
  readonly tokens: number;
}

interface Waiting {
  readonly resolve: (tokens: number) => void;
  readonly reject: (error: Error) => void;
}

/** Tokenizes in a thread beside the event loop. It is started by the first count, and again when it is gone. */
export class TokenThread {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #nextId = 0;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(private readonly options: TokenThreadOptions) {}

  /** Whether the thread is there. */
  get isRunning(): boolean {
    return this.#worker !== undefined;
  }

  /** The tokens of all slices together. Rejects when the thread dies; the next count starts another. */
  count(slices: readonly string[]): Promise<number> {
    clearTimeout(this.#idleTimer);
    const worker = (this.#worker ??= this.start());
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage({ id, slices });
    });
  }

  /** Ends the thread. Counts that wait are rejected. */
  async stop(): Promise<void> {
    clearTimeout(this.#idleTimer);
    const worker = this.#worker;
    if (worker === undefined) return;
    this.lose(worker, new Error('the tokenizer was stopped'));
    await worker.terminate();
  }

  private start(): Worker {
    const worker = new Worker(this.options.module, {
      name: 'tokenizer',
      // Nothing of the server's own start, such as a loader, belongs into the thread; nor does its environment.
      execArgv: [],
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 512 },
    });
    // The thread alone must not keep the process.
    worker.unref();
    worker.on('message', ({ id, tokens }: Counted) => {
      this.#waiting.get(id)?.resolve(tokens);
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) this.rest();
    });
    worker.on('error', (error) => this.lose(worker, new Error('the tokenizer failed', { cause: error })));
    worker.on('exit', () => this.lose(worker, new Error('the tokenizer ended')));
    return worker;
  }

  private rest(): void {
    this.#idleTimer = setTimeout(() => void this.stop(), this.options.idle);
    this.#idleTimer.unref();
  }

  /** The thread is gone, or on its way out: what waits for it is told so. */
  private lose(worker: Worker, error: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    clearTimeout(this.#idleTimer);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
