import { get } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { Finding } from './judge.js';

/** Longest time that a server may be silent, in milliseconds: on a busy machine, and it is asked beside all others. */
const LONGEST = 3000;
const PAUSE = 100;

/** Probes a server's health continuously, on separate connections. */
export class Pulse {
  #longest = 0;
  #isStopped = false;
  /** When this process itself was last at work: while it stands still, no answer arrives either. */
  #alive = performance.now();
  #ownPause = 0;
  readonly #timer: NodeJS.Timeout;
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
    this.#timer = setInterval(() => {
      this.#ownPause += Math.max(0, performance.now() - this.#alive - 2 * PAUSE);
      this.#alive = performance.now();
    }, PAUSE).unref();
  }

  /** Longest silence so far, in milliseconds. */
  get longest(): number {
    return Math.round(this.#longest);
  }

  /** Asks until `stop`. Rejects when the server takes no connection. */
  async watch(): Promise<void> {
    while (!this.#isStopped) {
      this.#ownPause = 0;
      const begun = performance.now();
      await new Promise<void>((resolve, reject) => {
        get(`${this.#url}/healthz`, (response) => response.resume().on('end', resolve)).on('error', reject);
      });
      this.#longest = Math.max(this.#longest, performance.now() - begun - this.#ownPause);
      await wait(PAUSE);
    }
  }

  stop(): readonly Finding[] {
    this.#isStopped = true;
    clearInterval(this.#timer);
    if (this.#longest <= LONGEST) return [];
    return [{ rule: 'stands still', text: `/healthz took ${this.longest} ms`, shown: undefined }];
  }
}
