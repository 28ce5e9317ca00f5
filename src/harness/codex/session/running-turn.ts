import { type HarnessEvent, isTurnEnd } from '../../../domain/harness-event.js';
import type { Emit } from './codex-turn.js';

/** A turn of ours that runs: what was asked of it, and who waits for what it emits. */
export class CodexRunningTurn {
  /** Whether an interrupt was asked for. */
  interruptRequested = false;
  /** Resolves to Codex's name of it, before which 0.169.0 has "no active turn to interrupt" (seen); to `undefined` if it ends without. */
  readonly started: Promise<string | undefined>;
  #codexTurnId: string | undefined;
  #resolveStarted: (codexTurnId: string | undefined) => void = () => undefined;
  readonly #unheard = new Map<string, (isHeard: boolean) => void>();
  #isOver = false;

  constructor(private readonly emitEvents: Emit) {
    this.started = new Promise((resolve) => (this.#resolveStarted = resolve));
  }

  /** Codex's name of it; `undefined` until Codex has begun it. */
  get codexTurnId(): string | undefined {
    return this.#codexTurnId;
  }

  /** Whether its end was emitted. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether Codex has taken a message that the model has not heard. */
  get hasUnheard(): boolean {
    return this.#unheard.size > 0;
  }

  /** Codex has begun it. */
  start(codexTurnId: string): void {
    this.#codexTurnId = codexTurnId;
    this.#resolveStarted(codexTurnId);
  }

  /** Emits events up to its end; nothing after it. */
  readonly emit: Emit = (events) => {
    if (this.#isOver || events.length === 0) return;
    const end = events.findIndex(isTurnEnd);
    const emitted = end < 0 ? events : events.slice(0, end + 1);
    this.#isOver = end >= 0;
    this.#noteHeard(emitted);
    this.emitEvents(emitted);
    if (this.#isOver) this.#end();
  };

  /** Ends it without another event, as nobody reads it. */
  abandon(): void {
    this.#isOver = true;
    this.#end();
  }

  /** Resolves to whether it emits that the model has heard this message. */
  hears(messageId: string): Promise<boolean> {
    if (this.#isOver) return Promise.resolve(false);
    return new Promise((resolve) => this.#unheard.set(messageId, resolve));
  }

  /** Codex did not take this message. */
  refuse(messageId: string): void {
    this.#unheard.get(messageId)?.(false);
    this.#unheard.delete(messageId);
  }

  #noteHeard(events: readonly HarnessEvent[]): void {
    for (const event of events) {
      if (event.type !== 'user-message') continue;
      this.#unheard.get(event.id)?.(true);
      this.#unheard.delete(event.id);
    }
  }

  #end(): void {
    this.#resolveStarted(undefined);
    for (const resolve of this.#unheard.values()) resolve(false);
    this.#unheard.clear();
  }
}
