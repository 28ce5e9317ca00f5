import { setTimeout as delay } from 'node:timers/promises';
import type { Observable } from 'rxjs';

/** For how long nothing may come before it counts as quiet. */
const QUIET_MS = 50;
/** After so long it is over, quiet or not. */
const LONGEST_MS = 1_000;

/**
 * Resolves once nothing has come for a moment. Agents go on after the answer to a request: gemini 0.61.0 replays most of a session behind the answer to
 * its load (recording gemini.load-next-minute-2), and an opencode has told the end of a text behind that of its prompt (anomalyco/opencode#17505).
 */
export async function untilQuiet(messages$: Observable<unknown>): Promise<void> {
  let lastAt = performance.now();
  const listening = messages$.subscribe(() => (lastAt = performance.now()));
  const begun = lastAt;
  try {
    for (;;) {
      const left = lastAt + QUIET_MS - performance.now();
      if (left <= 0 || performance.now() - begun > LONGEST_MS) return;
      await delay(left);
    }
  } finally {
    listening.unsubscribe();
  }
}
