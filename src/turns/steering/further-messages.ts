import type { FurtherMessage } from '../../harness/harness.js';

/** Hands a message to the agent; `undefined` while its process is starting. */
type HandOver = (message: FurtherMessage) => Promise<boolean> | undefined;

/**
 * The messages that arrive while a turn runs. Each is handed to the turn's agent once per attempt, in order: with the start of the
 * attempt, or as soon as the agent's process can be reached.
 */
export class FurtherMessages {
  /** Ids of the messages that the attempt's agent has been given. */
  readonly #given = new Set<string>();
  #waiting: readonly FurtherMessage[] = [];
  #isDelivering = false;

  constructor(private readonly handOver: HandOver) {}

  /** Call when an attempt starts: its agent gets all messages of the turn so far. */
  begin(given: readonly FurtherMessage[]): void {
    this.#given.clear();
    for (const { id } of given) this.#given.add(id);
    this.#waiting = this.#waiting.filter(({ id }) => !this.#given.has(id));
  }

  /** Adds messages. One that the attempt's agent has, or that waits already, is left out. */
  add(messages: readonly FurtherMessage[]): void {
    const known = new Set([...this.#given, ...this.#waiting.map(({ id }) => id)]);
    this.#waiting = [...this.#waiting, ...messages.filter(({ id }) => !known.has(id))];
  }

  /** Hands over what waits, up to the first message that the agent cannot be given yet. */
  deliver(): void {
    // An agent may answer at once, and its events bring the turn here again.
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const { id } = next;
      if (this.handOver(next) === undefined) break;
      this.#given.add(id);
      this.#waiting = this.#waiting.filter((message) => message.id !== id);
    }
    this.#isDelivering = false;
  }
}
