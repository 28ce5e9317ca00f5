import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../../domain/harness-event.js';
import { parseControlResponse } from './control-channel.js';

/** An answer takes some tens of milliseconds (2.1.330, seen). */
const TIMEOUT_MS = 5_000;

/**
 * Requests that give a running process its thread, until it has answered them. The prompt is written right behind them, so that the caller does not
 * wait for the answers. A process that refuses one may ask the model before it is stopped; nobody reads what it makes of that.
 */
export class PendingBinding {
  /** What the process is to be sent. */
  readonly lines: readonly string[];
  readonly #open: Set<string>;
  readonly #timer: NodeJS.Timeout;
  /** What the process wrote beside its answers. */
  #held: string[] = [];
  #isRefused = false;

  /** @param onRefused called once, if a request is refused or not answered in time */
  constructor(
    requests: readonly JsonObject[],
    private readonly onRefused: () => void,
  ) {
    const named = requests.map((request) => ({ type: 'control_request', request_id: randomUUID(), request }));
    this.#open = new Set(named.map(({ request_id }) => request_id));
    this.lines = named.map((line) => JSON.stringify(line));
    this.#timer = setTimeout(() => this.#refuse(), TIMEOUT_MS);
  }

  /** Whether every request was granted. */
  get isGranted(): boolean {
    return this.#open.size === 0;
  }

  /** Takes the answers out of what the process writes. Returns what else it wrote, once every request is granted; nothing until then. */
  read(lines: readonly string[]): readonly string[] {
    for (const line of lines) {
      const answer = this.isGranted ? undefined : parseControlResponse(line);
      if (answer === undefined || !this.#open.has(answer.id)) this.#held.push(line);
      else if (answer.isSuccess) this.#open.delete(answer.id);
      else this.#refuse();
    }
    if (!this.isGranted) return [];
    this.close();
    return this.#held.splice(0);
  }

  /** Stops to wait for answers. */
  close(): void {
    clearTimeout(this.#timer);
  }

  #refuse(): void {
    this.close();
    if (this.#isRefused) return;
    this.#isRefused = true;
    this.onRefused();
  }
}
