import type { CallerToolCall } from '../../domain/caller-tool.js';
import { type HarnessEvent, isTurnEnd } from '../../domain/harness-event.js';
import {
  addArrival,
  checkReadiness,
  holdEvents,
  NO_PARKING,
  park,
  releaseParked,
  removeCalls,
  sortEvents,
} from '../caller-mcp/parking.js';
import { decodeLine } from './decode/decode.js';
import { dropMessages, expectMessage } from './decode/further-messages.js';
import type { SchemaWrapping } from './decode/structured-output.js';
import { continueTurn, initialDecoderState, isMessageOpen, parkTurn, startTurn } from './decode/turn-state.js';

/** How long a turn that is to be parked waits for the agent's own tools, and for calls that Claude Code has not handed over. */
const SETTLE_MS = 1_000;

/** What an output needs to know of its process. */
export interface OutputOptions {
  /** Gives the caller's name of a tool for that of the server; `undefined` if the process has no tools of the caller. */
  readonly toOwnName: ((serverName: string) => string) | undefined;
  /** Whether a turn can end with more than one call of the caller's tools. */
  readonly allowsParallelCalls: boolean;
  /** Gets the events of the running turn, in batches that are not empty. */
  readonly onEvents: (events: readonly HarnessEvent[]) => void;
  /** Gets the `uuid` of a queued message that the agent does not hear in this turn, to withdraw it: it is not heard at all then. */
  readonly onWithdraw: (uuid: string) => void;
  /** Gets the length of a line that is not JSON. */
  readonly onBadLine: (length: number) => void;
}

/**
 * What one process writes, as the events of its turns. A turn that ends to wait for the caller's tools is parked: what the process writes
 * from then on belongs to the turn that brings the results.
 */
export class AgentOutput {
  private state = initialDecoderState();
  private parking = NO_PARKING;
  private parked = false;
  private timer: NodeJS.Timeout | undefined;
  private readonly expected = new Map<string, (isHeard: boolean) => void>();

  constructor(private readonly options: OutputOptions) {}

  /** Claude Code's id of the conversation, once the process has one. */
  get sessionId(): string | undefined {
    return this.state.sessionId;
  }

  /** Whether the process works on the turn's prompt. */
  get isStarted(): boolean {
    return this.state.turn.started;
  }

  /** Whether only background work of the turn is left. */
  get isAnswered(): boolean {
    return this.state.tasks.answered && this.state.turn.unheard.size === 0;
  }

  /** Whether the process waits for results of the caller's tools. */
  get isWaiting(): boolean {
    return this.parked;
  }

  /** Whether the process waits for results of exactly these calls, which a parked turn ended with. */
  waitsFor(callIds: readonly string[]): boolean {
    const { parked, held } = this.parking;
    const ids = new Set(callIds);
    return this.parked && !held.some(isTurnEnd) && ids.size === parked.size && [...parked].every((id) => ids.has(id));
  }

  /** Starts a turn. `shape` is that of its answer, if it has to have one of a schema. */
  startTurn(shape: SchemaWrapping | undefined): void {
    this.state = startTurn(this.state, shape);
    this.parked = false;
  }

  /** Continues the parked turn as the one that brings the results, once they are handed over; emits what was held for it. */
  continueTurn(): void {
    const [parking, held] = releaseParked(this.parking);
    this.state = continueTurn(this.state);
    this.parking = parking;
    this.parked = false;
    if (held.length > 0) this.options.onEvents(held);
    this.considerParking();
  }

  /** Reads lines in one batch. */
  read(lines: readonly string[]): void {
    const decoded: HarnessEvent[] = [];
    for (const line of lines) {
      const before = this.state.turn.unheard;
      const [state, events, notes] = decodeLine(this.state, line);
      this.state = state;
      for (const event of events) decoded.push(event);
      for (const { length } of notes) this.options.onBadLine(length);
      if (before !== state.turn.unheard) this.settleHeard(before, events);
    }
    this.emit(decoded);
    this.considerParking();
  }

  /** Expects the agent to hear a message in this turn; see `expectMessage`. Resolves to whether it did. */
  expectMessage(uuid: string, id?: string): Promise<boolean> {
    this.state = expectMessage(this.state, uuid, id);
    return new Promise((resolve) => this.expected.set(uuid, resolve));
  }

  /** The `uuid`s of messages of which it is not known whether the agent hears them. */
  get expectedMessages(): readonly string[] {
    return [...this.expected.keys()];
  }

  /** Tells whether the agent hears a message, as far as it is known elsewhere. */
  settleMessage(uuid: string, isHeard: boolean): void {
    this.expected.get(uuid)?.(isHeard);
    this.expected.delete(uuid);
  }

  /** A call of the caller's tools waits for its result. */
  addCall(call: CallerToolCall): void {
    this.parking = addArrival(this.parking, call);
    this.considerParking();
  }

  /** A call ended without a result of the caller. */
  removeCall(callId: string): void {
    this.parking = removeCalls(this.parking, new Set([callId]));
    this.considerParking();
  }

  /** Ends all that it does by itself. */
  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private emit(decoded: readonly HarnessEvent[]): void {
    const { toOwnName } = this.options;
    let events = decoded;
    if (toOwnName !== undefined) [this.parking, events] = sortEvents(this.parking, decoded, toOwnName);
    if (events.length === 0) return;
    if (this.parked) this.parking = holdEvents(this.parking, events);
    else this.options.onEvents(events);
  }

  /** Settles the messages that the turn no longer expects. */
  private settleHeard(before: ReadonlyMap<string, string | undefined>, events: readonly HarnessEvent[]): void {
    for (const [uuid, id] of before) {
      if (this.state.turn.unheard.has(uuid)) continue;
      this.settleMessage(
        uuid,
        events.some((event) => event.type === 'user-message' && event.id === id),
      );
    }
  }

  private considerParking(): void {
    const { turn } = this.state;
    const readiness =
      this.parked || turn.ended
        ? 'no'
        : checkReadiness(this.parking, isMessageOpen(turn), this.options.allowsParallelCalls);
    if (readiness === 'soon') {
      this.timer ??= setTimeout(() => this.park(), SETTLE_MS);
      return;
    }
    this.close();
    if (readiness === 'now') this.park();
  }

  private park(): void {
    this.close();
    const [parking, calls] = park(this.parking, this.options.allowsParallelCalls);
    const [state, end] = parkTurn(this.state);
    this.parking = parking;
    this.parked = true;
    this.state = dropMessages(state);
    for (const uuid of state.turn.unheard.keys()) {
      // Claude Code reads this before the results, without which it goes to no model.
      this.options.onWithdraw(uuid);
      this.settleMessage(uuid, false);
    }
    this.options.onEvents([...calls, end]);
  }
}
