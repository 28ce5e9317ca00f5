import type { CallerToolCall } from '../../../domain/caller-tool.js';
import { type HarnessEvent, isTurnEnd } from '../../../domain/harness-event.js';
import {
  addArrival,
  checkReadiness,
  holdEvents,
  NO_PARKING,
  park,
  releaseParked,
  removeCalls,
  sortEvents,
} from '../../caller-mcp/parking.js';
import { NO_CALL_IDS, takeArrival, takeEvents } from './call-ids.js';

/** How long a turn waits for further calls of the same message: the protocol does not say when a message of the model is complete. */
const BEAT_MS = 250;
/** How long it waits for the agent's own tools, and for calls that were told and have not arrived. */
const SETTLE_MS = 1_000;

/** What an output needs to know of its prompt. */
export interface PromptOutputOptions {
  /** Gives the caller's name of a tool for that of the server. */
  readonly toOwnName: (serverName: string) => string;
  /** Whether a turn can end with more than one call of the caller's tools. */
  readonly allowsParallelCalls: boolean;
  /** Gets the events of the turn that reads, in batches that are not empty. */
  readonly onEvents: (events: readonly HarnessEvent[]) => void;
}

/**
 * What an agent tells while it works on one prompt, as the events of turns. A turn that ends to wait for the caller's tools is parked: what comes from then on
 * belongs to the turn that brings the results.
 */
export class PromptOutput {
  #parking = NO_PARKING;
  #ids = NO_CALL_IDS;
  #isParked = false;
  #isLeft = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: PromptOutputOptions) {}

  /** Whether the agent waits for results of the caller's tools. */
  get isParked(): boolean {
    return this.#isParked;
  }

  /** Whether it waits for results of exactly these calls, which a parked turn ended with. */
  waitsFor(callIds: readonly string[]): boolean {
    const { parked, held } = this.#parking;
    const ids = new Set(callIds);
    return (
      this.#isParked && !held.some(isTurnEnd) && ids.size === parked.size && [...parked].every((id) => ids.has(id))
    );
  }

  /** Takes what the agent tells. */
  readonly emit = (told: readonly HarnessEvent[]): void => {
    if (this.#isLeft) return;
    const [ids, named] = takeEvents(this.#ids, told, this.options.toOwnName);
    const [parking, events] = sortEvents(this.#parking, named, (name) => name);
    this.#ids = ids;
    this.#parking = parking;
    if (events.length > 0) {
      if (this.#isParked) this.#parking = holdEvents(parking, events);
      else this.options.onEvents(events);
    }
    if (events.some(isTurnEnd)) this.close();
    else this.#considerParking();
  };

  /** Takes a call that waits for its result. Returns its id in our events. */
  addCall(call: CallerToolCall): string {
    const [ids, known] = takeArrival(this.#ids, call);
    this.#ids = ids;
    this.#parking = addArrival(this.#parking, known);
    this.#considerParking();
    return known.id;
  }

  /** A call ended without a result of the caller. */
  removeCall(callId: string): void {
    this.#parking = removeCalls(this.#parking, new Set([callId]));
    this.#considerParking();
  }

  /** Goes on with the turn that brings the results, once they are handed over: emits what was held for it. */
  continueTurn(): void {
    const [parking, held] = releaseParked(this.#parking);
    this.#parking = parking;
    this.#isParked = false;
    if (held.length > 0) this.options.onEvents(held);
    this.#considerParking();
  }

  /** Leaves a prompt whose calls get no results: what comes from now on is not told. */
  leave(): void {
    this.close();
    this.#isLeft = true;
    this.#isParked = false;
  }

  /** Ends all that it does by itself. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #considerParking(): void {
    const readiness =
      this.#isParked || this.#isLeft ? 'no' : checkReadiness(this.#parking, false, this.options.allowsParallelCalls);
    if (readiness === 'no') this.close();
    else this.#timer ??= setTimeout(() => this.#park(), readiness === 'now' ? BEAT_MS : SETTLE_MS);
  }

  #park(): void {
    this.close();
    const [parking, calls] = park(this.#parking, this.options.allowsParallelCalls);
    this.#parking = parking;
    this.#isParked = true;
    this.options.onEvents([...calls, { type: 'turn-end', reason: 'tool_use' }]);
  }
}
