import type { FurtherMessage } from '../../harness/harness.js';

/** One for all turns, most of which get no such message. */
const NONE: readonly never[] = [];

/** Hands a message to the agent; `undefined` while its process is starting. */
type HandOver = (message: FurtherMessage) => Promise<boolean> | undefined;

/**
 * The messages that arrive while a turn runs. Each is handed to the turn's agent once per attempt, in order: with the start of the
 * attempt, or as soon as the agent's process can be reached.
 */
export class FurtherMessages {
  /** Ids of the messages that the attempt's agent has been given. */
  #given: readonly string[] = NONE;
  #waiting: readonly FurtherMessage[] = NONE;
  #isDelivering = false;

  constructor(private readonly handOver: HandOver) {}

  /** Call when an attempt starts: its agent gets all messages of the turn so far. */
  begin(given: readonly FurtherMessage[]): void {
    this.#given = given.length === 0 ? NONE : given.map(({ id }) => id);
    this.#waiting = this.#without(this.#given);
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
      this.#given = [...this.#given, id];
      this.#waiting = this.#without([id]);
    }
    this.#isDelivering = false;
  }

  #without(ids: readonly string[]): readonly FurtherMessage[] {
    const waiting = this.#waiting.filter(({ id }) => !ids.includes(id));
    return waiting.length === 0 ? NONE : waiting;
  }
}
