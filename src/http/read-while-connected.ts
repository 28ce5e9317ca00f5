import type { Response } from 'express';
import type { Observable } from 'rxjs';
import type { KeepAliveClock, Tickable } from './keep-alive-clock.js';

/**
 * Reads an answer to its end while its caller is connected, and lets `ticking` keep the caller waiting meanwhile. Resolves to false if the
 * caller has disconnected, and then unsubscribes. Rejects if the source errors.
 */
export async function readWhileConnected(
  events$: Observable<unknown>,
  response: Response,
  clock: KeepAliveClock,
  ticking: Tickable,
): Promise<boolean> {
  // A caller that disconnected during the lookup has closed already and emits no second `close`.
  if (response.destroyed) return false;
  clock.register(ticking);
  try {
    await new Promise<void>((resolve, reject) => {
      // `takeUntil` and `lastValueFrom` would cost every open stream some kilobytes.
      const reading = events$.subscribe({ error: reject, complete: resolve });
      reading.add(resolve);
      if (response.closed) reading.unsubscribe();
      else response.once('close', () => reading.unsubscribe());
    });
    return !response.destroyed;
  } finally {
    clock.unregister(ticking);
  }
}
