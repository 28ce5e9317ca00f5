import { parentPort } from 'node:worker_threads';
import type { WorkerMessage } from './worker-pool.js';

/** Makes the module that calls it one for a `WorkerPool`: each task is given to `work`, and what comes of it is sent back. */
export function serve<Task, Result>(work: (task: Task) => Result | Promise<Result>): void {
  const tell = (message: WorkerMessage<Result>): void => parentPort?.postMessage(message);
  parentPort?.on('message', (task: Task) => {
    new Promise<Result>((resolve) => {
      resolve(work(task));
    }).then(
      (result) => tell({ kind: 'done', result }),
      (error: unknown) => tell({ kind: 'failed', error }),
    );
  });
  tell({ kind: 'ready' });
}
