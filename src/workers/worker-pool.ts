import { Worker } from 'node:worker_threads';

/** Options of a pool. */
export interface WorkerPoolOptions {
  /** Name of its threads. */
  readonly name: string;
  /** The module that its threads run; it calls `serve` (see `serve.ts`). */
  readonly module: URL;
  /** Most concurrent threads. */
  readonly size: number;
  /** How long an idle thread is kept; its memory is freed when it ends. */
  readonly idleMs: number;
  /** Largest heap of a thread. */
  readonly heapMb: number;
  /** Time limit of a task, from its start; none when absent. */
  readonly timeLimitMs?: number;
}

/** A task exceeded the time or memory limit of its pool. Its thread was terminated. */
export class TaskLimitError extends Error {}

/** A message from a thread: it is ready for tasks, or its task has ended. */
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
 * Runs tasks in threads, off the event loop. A thread runs one task at a time, so that a task over its limits ends only its own
 * thread; another thread replaces it.
 *
 * Not piscina: its time limits also count the wait in the queue, and it drops queued tasks when its last thread dies.
 */
export class WorkerPool<Task, Result> {
  readonly #queue: Job<Task, Result>[] = [];
  readonly #threads = new Set<Thread<Task, Result>>();

  constructor(private readonly options: WorkerPoolOptions) {}

  /** Number of living threads. */
  get threads(): number {
    return this.#threads.size;
  }

  /** Runs a task. Rejects with what the task threw, with a {@link TaskLimitError}, or when its thread dies. */
  run(task: Task, transfer: Transfer = []): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ task, transfer, resolve, reject });
      this.advance();
    });
  }

  /** Starts a thread for a task that is about to come, unless one is idle or there are as many as may be. */
  prepare(): void {
    if (this.#threads.size < this.options.size && this.findIdle() === undefined) this.start();
  }

  /** Ends all threads and rejects running and queued tasks. A later task starts a new thread. */
  async stop(): Promise<void> {
    const stopped = new Error(`the ${this.options.name} was stopped`);
    for (const { reject } of this.#queue.splice(0)) reject(stopped);
    await Promise.all([...this.#threads].map((thread) => thread.end(stopped)));
  }

  private advance(): void {
    const idle = this.findIdle();
    if (this.#queue.length === 0 || (idle === undefined && this.#threads.size >= this.options.size)) return;
    const thread = idle ?? this.start();
    const job = this.#queue.shift();
    if (job !== undefined) thread.startJob(job);
  }

  private findIdle(): Thread<Task, Result> | undefined {
    return [...this.#threads].find((thread) => thread.isIdle);
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
  #state: 'starting' | 'ready' | 'ended' = 'starting';

  /** @param onChange called when the thread has become idle or has ended. */
  constructor(
    private readonly options: WorkerPoolOptions,
    private readonly onChange: () => void,
  ) {
    const { name, module, heapMb } = options;
    // The thread inherits neither the server's Node options, such as a loader, nor its environment.
    this.#worker = new Worker(module, {
      name,
      execArgv: [],
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    });
    // A thread must not keep the process alive.
    this.#worker.unref();
    this.#worker.on('message', (message: WorkerMessage<Result>) => this.onMessage(message));
    this.#worker.on('error', (error: Error) => {
      const isLimit = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      void this.end(new (isLimit ? TaskLimitError : Error)(`the ${name} failed`, { cause: error }));
    });
    this.#worker.on('exit', () => void this.end(new Error(`the ${name} ended`)));
  }

  get isIdle(): boolean {
    return this.#job === undefined && this.#state !== 'ended';
  }

  startJob(job: Job<Task, Result>): void {
    clearTimeout(this.#timer);
    this.#job = job;
    this.#worker.postMessage(job.task, job.transfer);
    if (this.#state === 'ready') this.limitTask();
  }

  /** Ends the thread and rejects its task, if any, with the error. */
  async end(error: Error): Promise<void> {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    clearTimeout(this.#timer);
    this.#job?.reject(error);
    this.onChange();
    await this.#worker.terminate();
  }

  private onMessage(message: WorkerMessage<Result>): void {
    if (this.#state === 'ended') return;
    switch (message.kind) {
      case 'ready':
        // The limit of the first task starts only now: a thread may start slowly on a busy machine.
        this.#state = 'ready';
        if (this.#job === undefined) this.becomeIdle();
        else this.limitTask();
        return;
      case 'done':
        this.#job?.resolve(message.result);
        this.becomeIdle();
        return;
      case 'failed':
        this.#job?.reject(new Error(`a task of the ${this.options.name} failed`, { cause: message.error }));
        this.becomeIdle();
        return;
      default:
        message satisfies never;
    }
  }

  private limitTask(): void {
    const { timeLimitMs, name } = this.options;
    if (timeLimitMs === undefined) return;
    this.#timer = setTimeout(
      () => void this.end(new TaskLimitError(`a task of the ${name} took too long`)),
      timeLimitMs,
    );
  }

  private becomeIdle(): void {
    clearTimeout(this.#timer);
    this.#job = undefined;
    this.#timer = setTimeout(() => void this.end(new Error('idle')), this.options.idleMs);
    this.#timer.unref();
    this.onChange();
  }
}
