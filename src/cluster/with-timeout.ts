import { setTimeout as delay } from 'node:timers/promises';

/** Settles as the work does, or rejects with this message after `ms`. The work itself goes on, and what becomes of it then is ignored. */
export async function withTimeout<Result>(work: Promise<Result>, ms: number, message: string): Promise<Result> {
  const settled = new AbortController();
  const late = delay(ms, undefined, { signal: settled.signal, ref: false }).then(
    () => Promise.reject(new Error(message)),
    () => new Promise<never>(() => undefined),
  );
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    settled.abort();
  }
}
