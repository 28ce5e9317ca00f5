import { type HarnessEvent, isTurnEnd } from '../../../domain/harness-event.js';

/** Takes the events of a turn. */
export type EmitEvents = (events: readonly HarnessEvent[]) => void;

/** A turn of ours that runs. */
export class AcpTurn {
  /** Whether an interrupt was asked for. */
  interruptRequested = false;
  /** Resolves when its end was emitted, or it was abandoned. */
  readonly over: Promise<void>;
  #isOver = false;
  #resolveOver: () => void = () => undefined;

  constructor(private readonly emitEvents: EmitEvents) {
    this.over = new Promise((resolve) => (this.#resolveOver = resolve));
  }

  /** Whether its end was emitted. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Emits events up to its end; nothing after it. */
  readonly emit: EmitEvents = (events) => {
    if (this.#isOver || events.length === 0) return;
    const end = events.findIndex(isTurnEnd);
    this.#isOver = end >= 0;
    this.emitEvents(end < 0 ? events : events.slice(0, end + 1));
    if (this.#isOver) this.#resolveOver();
  };

  /** Ends it without another event, as nobody reads it. */
  abandon(): void {
    this.#isOver = true;
    this.#resolveOver();
  }
}
