import { Worker } from 'node:worker_threads';

/** How a pool works. */
export interface WorkerPoolOptions {
  /** What its threads are called. */
  readonly name: string;
  /** The module that they run; it calls `serve` (see `serve.ts`). */
  readonly module: URL;
  /** Most threads at once. */
  readonly size: number;
  /** How long a thread is kept without work, in milliseconds: its memory comes back when it ends. */
  readonly idleMs: number;
  /** Largest heap of a thread, in MB. */
  readonly heap: number;
  /** Longest time of a task from when it is begun, in milliseconds; without it a task may take as long as it likes. */
  readonly limitMs?: number;
}

/** A task took more time or memory than its pool allows. Its thread was terminated. */
export class TaskLimitError extends Error {}

/** What a thread says: that it can take tasks, or what came of the one that it had. */
export type WorkerMessage<Result> =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly error: unknown };

type Transfer = ConstructorParameters<typeof Worker>[1] extends infer Options
  ? Options extends { transferList?: infer List }
    ? List
    : never
  : never;

interface Job<Task, Result> {
  readonly task: Task;
  readonly transfer: Transfer;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Runs tasks in threads beside the event loop. A thread has one task at a time, so that one which takes too long, or too much memory,
 * takes nothing else with it; another thread takes its place.
 *
 * Not piscina: its time limits begin while a task waits for its turn, and tasks that wait are forgotten when the last thread dies.
 */
export class WorkerPool<Task, Result> {
  readonly #waiting: Job<Task, Result>[] = [];
  readonly #threads = new Set<Thread<Task, Result>>();

  constructor(private readonly options: WorkerPoolOptions) {}

  /** How many threads there are. */
  get threads(): number {
    return this.#threads.size;
  }

  /** Rejects with what the task threw, with a {@link TaskLimitError}, or when its thread dies. */
  run(task: Task, transfer: Transfer = []): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, transfer, resolve, reject });
      this.advance();
    });
  }

  /** Ends all threads. Tasks that run or wait are rejected; a later task starts another thread. */
  async stop(): Promise<void> {
    const stopped = new Error(`the ${this.options.name} was stopped`);
    for (const { reject } of this.#waiting.splice(0)) reject(stopped);
    await Promise.all([...this.#threads].map((thread) => thread.end(stopped)));
  }

  private advance(): void {
    const idle = [...this.#threads].find((thread) => thread.isIdle);
    if (this.#waiting.length === 0 || (idle === undefined && this.#threads.size >= this.options.size)) return;
    const thread = idle ?? this.start();
    const job = this.#waiting.shift();
    if (job !== undefined) thread.begin(job);
  }

  private start(): Thread<Task, Result> {
    const thread = new Thread<Task, Result>(this.options, () => {
      if (!thread.isIdle) this.#threads.delete(thread);
      this.advance();
    });
    this.#threads.add(thread);
    return thread;
  }
}

class Thread<Task, Result> {
  readonly #worker: Worker;
  #job: Job<Task, Result> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #state: 'starting' | 'ready' | 'gone' = 'starting';

  /** @param changed called when the thread has become idle, or is gone. */
  constructor(
    private readonly options: WorkerPoolOptions,
    private readonly changed: () => void,
  ) {
    const { name, module, heap } = options;
    // Nothing of the server's own start, such as a loader, belongs into the thread; nor does its environment.
    this.#worker = new Worker(module, {
      name,
      execArgv: [],
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: heap },
    });
    // The thread alone must not keep the process.
    this.#worker.unref();
    this.#worker.on('message', (message: WorkerMessage<Result>) => this.hear(message));
    this.#worker.on('error', (error: Error) => {
      const isLimit = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      void this.end(new (isLimit ? TaskLimitError : Error)(`the ${name} failed`, { cause: error }));
    });
    this.#worker.on('exit', () => void this.end(new Error(`the ${name} ended`)));
  }

  get isIdle(): boolean {
    return this.#job === undefined && this.#state !== 'gone';
  }

  begin(job: Job<Task, Result>): void {
    clearTimeout(this.#timer);
    this.#job = job;
    this.#worker.postMessage(job.task, job.transfer);
    if (this.#state === 'ready') this.limitTask();
  }

  /** Ends the thread; its task, if it has one, is rejected with the error. */
  async end(error: Error): Promise<void> {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    clearTimeout(this.#timer);
    this.#job?.reject(error);
    this.changed();
    await this.#worker.terminate();
  }

  private hear(message: WorkerMessage<Result>): void {
    if (this.#state === 'gone') return;
    switch (message.kind) {
      case 'ready':
        // Its first task waits for the thread, which may take a while to start on a busy machine.
        this.#state = 'ready';
        this.limitTask();
        return;
      case 'done':
        this.#job?.resolve(message.result);
        this.rest();
        return;
      case 'failed':
        this.#job?.reject(new Error(`a task of the ${this.options.name} failed`, { cause: message.error }));
        this.rest();
        return;
      default:
        message satisfies never;
    }
  }

  private limitTask(): void {
    const { limitMs, name } = this.options;
    if (limitMs === undefined) return;
    this.#timer = setTimeout(() => void this.end(new TaskLimitError(`a task of the ${name} took too long`)), limitMs);
  }

  private rest(): void {
    clearTimeout(this.#timer);
    this.#job = undefined;
    this.#timer = setTimeout(() => void this.end(new Error('idle')), this.options.idleMs);
    this.#timer.unref();
    this.changed();
  }
}
