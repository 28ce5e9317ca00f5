import type { CallerToolCall } from '../../domain/caller-tool.js';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { CALLER_MCP_SERVER } from './names.js';

type InnerCall = Extract<HarnessEvent, { readonly type: 'tool-call' }>;

/**
 * The calls of the caller's tools in a process, and the agent's own calls beside them. It decides which events a turn emits before it is
 * parked, and which are kept for the next turn, so that the readers of each turn get a call together with its result. Immutable.
 */
export interface Parking {
  /** Calls of the caller's tools that have no result yet, in the model's order; those of sub-agents last. */
  readonly calls: readonly CallerToolCall[];
  /** Ids of those that wait for their result: the agent has handed them to us. */
  readonly arrived: ReadonlySet<string>;
  /** Ids of those that a parked turn ended with. */
  readonly parked: ReadonlySet<string>;
  /** Ids of all calls of the caller's tools so far. */
  readonly known: ReadonlySet<string>;
  /** The agent's own calls that were emitted and have no result yet, by id. */
  readonly open: ReadonlyMap<string, InnerCall>;
  /** Events for the next turn, in order. */
  readonly held: readonly HarnessEvent[];
}

/** No calls at all. */
export const NO_PARKING: Parking = {
  calls: [],
  arrived: new Set(),
  parked: new Set(),
  known: new Set(),
  open: new Map(),
  held: [],
};

/** The next state, and the events to emit. */
export type ParkingStep = readonly [Parking, readonly HarnessEvent[]];

/** Whether a turn with waiting calls can end: now, once what still runs had a little time, or not yet. */
export type Readiness = 'now' | 'soon' | 'no';

/** Result of an inner call that a parked turn leaves running. The next turn emits the call again, with its real result. */
export const STILL_RUNNING = 'This tool was still running when the turn ended to wait for the caller’s tools.';

/**
 * Sorts the events of the decoder: a call of the caller's tools becomes known and is not emitted, nor is its result. The agent's own call
 * behind it in the same message is held, as it ends after the turn. `toOwnName` gives the caller's name of a tool of the server.
 */
export function sortEvents(
  parking: Parking,
  events: readonly HarnessEvent[],
  toOwnName: (serverName: string) => string,
): ParkingStep {
  let state = parking;
  const emitted: HarnessEvent[] = [];
  for (const event of events) {
    if (event.type === 'tool-call' && event.server === CALLER_MCP_SERVER) {
      state = addCall(state, { id: event.id, name: toOwnName(event.name), input: event.input });
    } else if (event.type === 'tool-call' && state.calls.length > 0) {
      state = { ...state, held: [...state.held, event] };
    } else if (event.type === 'tool-result' && state.known.has(event.id)) {
      state = flushWhenDone(removeCalls(state, new Set([event.id])), emitted);
    } else if (event.type === 'tool-result' && isHeldCall(state, event.id)) {
      state = { ...state, held: [...state.held, event] };
    } else {
      // A call that did not come before the next message is one of a message that the agent has given up for a retry.
      if (event.type === 'model-call-start') state = flushWhenDone(withoutAbsent(state), emitted);
      state = trackOpen(state, event);
      emitted.push(event);
    }
  }
  return [state, emitted];
}

/** Emits what is held once no call of the caller's tools is left that could park the turn. */
function flushWhenDone(parking: Parking, emitted: HarnessEvent[]): Parking {
  if (parking.calls.length > 0) return parking;
  emitted.push(...parking.held);
  return withoutHeld(parking);
}

function withoutAbsent(parking: Parking): Parking {
  return removeCalls(parking, new Set(parking.calls.flatMap(({ id }) => (parking.arrived.has(id) ? [] : [id]))));
}

/** Adds a call that the agent has handed to us. One of a sub-agent becomes known only by this. */
export function addArrival(parking: Parking, call: CallerToolCall): Parking {
  const state = addCall(parking, call);
  return { ...state, arrived: new Set([...state.arrived, call.id]) };
}

/** Removes calls that have got a result, or are given up. */
export function removeCalls(parking: Parking, ids: ReadonlySet<string>): Parking {
  const without = (set: ReadonlySet<string>): ReadonlySet<string> => new Set([...set].filter((id) => !ids.has(id)));
  return {
    ...parking,
    calls: parking.calls.filter(({ id }) => !ids.has(id)),
    arrived: without(parking.arrived),
    parked: without(parking.parked),
  };
}

/**
 * Whether the turn can end with the calls that wait. `isMessageOpen`: the model still writes the message. Claude Code 2.1.330 hands over a
 * call of a message only after an earlier call of it that must run alone, or after nine others, so not all of them need to wait.
 */
export function checkReadiness(parking: Parking, isMessageOpen: boolean, allowsParallelCalls: boolean): Readiness {
  if (isMessageOpen || parking.arrived.size === 0) return 'no';
  const isComplete = !allowsParallelCalls || parking.calls.every(({ id }) => parking.arrived.has(id));
  return isComplete && parking.open.size === 0 ? 'now' : 'soon';
}

/**
 * Ends a turn with the calls that wait; without parallel calls, with the first of them. An inner call that still runs gets a result that
 * says so, and is held for the next turn.
 */
export function park(parking: Parking, allowsParallelCalls: boolean): ParkingStep {
  const waiting = parking.calls.filter(({ id }) => parking.arrived.has(id));
  const ending = allowsParallelCalls ? waiting : waiting.slice(0, 1);
  const open = [...parking.open.values()];
  const state = {
    ...parking,
    parked: new Set(ending.map(({ id }) => id)),
    open: new Map(),
    held: [...open, ...parking.held],
  };
  return [
    state,
    [
      ...open.map(({ id }): HarnessEvent => stillRunning(id)),
      ...ending.map(({ id, name, input }): HarnessEvent => ({ type: 'caller-tool-call', id, name, input })),
    ],
  ];
}

/** Keeps events of a parked process for the next turn. */
export function holdEvents(parking: Parking, events: readonly HarnessEvent[]): Parking {
  return events.length === 0 ? parking : { ...parking, held: [...parking.held, ...events] };
}

/** Starts the turn that brings the results of the parked calls: it emits what was held. */
export function releaseParked(parking: Parking): ParkingStep {
  return [withoutHeld(removeCalls(parking, parking.parked)), parking.held];
}

function stillRunning(id: string): HarnessEvent {
  return { type: 'tool-result', id, content: [{ type: 'text', text: STILL_RUNNING }], isError: false };
}

function addCall(parking: Parking, call: CallerToolCall): Parking {
  if (parking.known.has(call.id)) return parking;
  return { ...parking, calls: [...parking.calls, call], known: new Set([...parking.known, call.id]) };
}

function isHeldCall(parking: Parking, id: string): boolean {
  return parking.held.some((event) => event.type === 'tool-call' && event.id === id);
}

/** The held events are emitted: the calls among them are open. */
function withoutHeld(parking: Parking): Parking {
  return parking.held.reduce(trackOpen, { ...parking, held: [] });
}

/** Follows which of the agent's own calls have no result yet. */
function trackOpen(parking: Parking, event: HarnessEvent): Parking {
  if (event.type === 'tool-call') return { ...parking, open: new Map([...parking.open, [event.id, event]]) };
  if (event.type !== 'tool-result' || !parking.open.has(event.id)) return parking;
  return { ...parking, open: new Map([...parking.open].filter(([id]) => id !== event.id)) };
}
