import { Injectable, Logger } from '@nestjs/common';
import { type Thread, ThreadStore } from '../storage/stores/thread.store.js';
import { ThreadHost } from './hosting/thread-host.js';

/** For how long further signs of the same thread mean nothing new: Claude Code counts tokens more than 20 times for one `/context`. */
const SAME_SIGN_MS = 10_000;
const MAX_REMEMBERED = 1_000;

/**
 * Has the process of a known thread started at the first sign of its caller, before the turn itself comes. A sign is no promise: a process that nobody
 * uses ends as any idle one does. No method waits, throws or rejects.
 */
@Injectable()
export class EarlyStarts {
  readonly #logger = new Logger(EarlyStarts.name);
  /** When each thread was last expected, by tenant and key, the oldest first. */
  readonly #expected = new Map<string, number>();

  constructor(
    private readonly threads: ThreadStore,
    private readonly host: ThreadHost,
  ) {}

  /** A caller will probably send a turn for the thread of this key, if there is one. */
  expect(tenant: string, key: string): void {
    this.#once(tenant, key, async () => {
      const thread = await this.threads.find(tenant, key);
      if (thread !== undefined) await this.host.startEarly(thread);
    });
  }

  /** A caller will probably send a turn for this thread. */
  expectThread(thread: Thread): void {
    this.#once(thread.tenant, thread.key, () => this.host.startEarly(thread));
  }

  #once(tenant: string, key: string, start: () => Promise<void>): void {
    const name = JSON.stringify([tenant, key]);
    const now = performance.now();
    if (now - (this.#expected.get(name) ?? -Infinity) < SAME_SIGN_MS) return;
    this.#expected.delete(name);
    this.#expected.set(name, now);
    const [oldest] = this.#expected.keys();
    if (this.#expected.size > MAX_REMEMBERED && oldest !== undefined) this.#expected.delete(oldest);
    start().catch((error: unknown) =>
      this.#logger.warn({ err: error }, 'failed to start the process of a thread ahead of its turn'),
    );
  }
}
