import type { Message } from '../../anthropic/stream-event.js';
import type { HarnessEvent } from '../../domain/harness-event.js';
import type { Thread } from '../../storage/stores/thread.store.js';
import type { Turn } from '../../storage/stores/turn.js';
import type { EndedTurn } from './ended-turn.js';

/** Watches the turns that run here, without an effect on them. Its methods must not throw. */
export interface TurnObserver {
  /** A turn begins to run here, for the first time or after another server. */
  begin(turn: Turn, thread: Thread): TurnObservation;
}

/** Watches one turn for as long as it runs here. */
export interface TurnObservation {
  /** Where what the turn does is in a trace. */
  readonly traceparent: string;
  /** A process of the agent is started, or one that is idle gets the turn. */
  attempt(attempt: number): void;
  /** What the agent emitted, as it is logged: without what it replays. */
  emitted(events: readonly HarnessEvent[]): void;
  /** The end of the turn is stored. `reason`: a reason of `TurnEndReason`, or a kind of failure. */
  end(ended: EndedTurn, reason: string, message: Message | undefined): void;
  /** The turn runs here no longer: after its end, or as another server goes on with it. */
  close(): void;
}
