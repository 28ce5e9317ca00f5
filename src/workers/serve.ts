import { parentPort } from 'node:worker_threads';
import type { WorkerMessage } from './worker-pool.js';

/** Makes the calling module a worker of a `WorkerPool`: runs `work` for each task and sends back its result. */
export function serve<Task, Result>(work: (task: Task) => Result | Promise<Result>): void {
  const post = (message: WorkerMessage<Result>): void => parentPort?.postMessage(message);
  parentPort?.on('message', (task: Task) => {
    new Promise<Result>((resolve) => {
      resolve(work(task));
    }).then(
      (result) => post({ kind: 'done', result }),
      (error: unknown) => post({ kind: 'failed', error }),
    );
  });
  post({ kind: 'ready' });
}
