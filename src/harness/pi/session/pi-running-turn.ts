import { type HarnessEvent, isTurnEnd } from '../../../domain/harness-event.js';
import type { FurtherMessage } from '../../harness.js';

/** A turn that runs: who reads it, and who waits for its agent to hear a message. */
export class PiRunningTurn {
  /** Whether an interrupt was asked for. */
  interruptRequested = false;
  #give: ((message: FurtherMessage) => void) | undefined;
  readonly #unheard = new Map<
    string,
    { readonly message: FurtherMessage; readonly resolve: (isHeard: boolean) => void }
  >();
  #isOver = false;

  constructor(private readonly onEvents: (events: readonly HarnessEvent[]) => void) {}

  /** Whether its end was emitted, or nobody reads it any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The messages that the agent has not told to have heard. */
  get unheard(): readonly FurtherMessage[] {
    return [...this.#unheard.values()].map(({ message }) => message);
  }

  /** Emits events up to its end; nothing after it. */
  emit(events: readonly HarnessEvent[]): void {
    if (this.#isOver || events.length === 0) return;
    const end = events.findIndex(isTurnEnd);
    const emitted = end < 0 ? events : events.slice(0, end + 1);
    for (const event of emitted) if (event.type === 'user-message') this.settle(event.id, true);
    this.#isOver = end >= 0;
    if (this.#isOver) this.#settleAll();
    this.onEvents(emitted);
  }

  /** Ends it without another event. */
  abandon(): void {
    this.#isOver = true;
    this.#settleAll();
  }

  /** Gives a message to the agent, once that works on the turn. Resolves to whether it heard it in this turn. */
  addMessage(message: FurtherMessage): Promise<boolean> {
    if (this.#isOver) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#unheard.set(message.id, { message, resolve });
      this.#give?.(message);
    });
  }

  /** The agent works on the turn: `give` gives it messages. */
  startMessages(give: (message: FurtherMessage) => void): void {
    this.#give = give;
    for (const message of this.unheard) give(message);
  }

  /** It is known whether the agent has heard a message. */
  settle(id: string, isHeard: boolean): void {
    this.#unheard.get(id)?.resolve(isHeard);
    this.#unheard.delete(id);
  }

  #settleAll(): void {
    for (const id of this.#unheard.keys()) this.settle(id, false);
  }
}
