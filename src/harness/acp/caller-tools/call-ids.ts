import type { CallerToolCall } from '../../../domain/caller-tool.js';
import type { HarnessEvent } from '../../../domain/harness-event.js';
import { CALLER_MCP_SERVER } from '../../caller-mcp/names.js';

/**
 * The calls of the caller's tools as an agent tells them, and as they arrive at our server. Agents do not say there which call it is, and either may come
 * first. Immutable.
 */
export interface CallIds {
  /** Calls that were told and have not arrived, by their ids. */
  readonly told: ReadonlyMap<string, CallerToolCall>;
  /** Calls that have arrived and were not told, by the ids that they got. */
  readonly arrived: ReadonlyMap<string, CallerToolCall>;
  /** The ids that calls have for us, by those by which the agent tells them. */
  readonly aliases: ReadonlyMap<string, string>;
}

/** Before the first call. */
export const NO_CALL_IDS: CallIds = { told: new Map(), arrived: new Map(), aliases: new Map() };

/** Takes a call that has arrived. Returns it with the id by which it is known from now on: the agent's own, if it has told the call already. */
export function takeArrival(ids: CallIds, call: CallerToolCall): readonly [CallIds, CallerToolCall] {
  const told = findCall(ids.told, call);
  if (told === undefined) return [{ ...ids, arrived: new Map(ids.arrived).set(call.id, call) }, call];
  return [
    { ...ids, told: without(ids.told, told.id) },
    { ...call, id: told.id },
  ];
}

/**
 * Gives the calls of the caller's tools in an agent's events, and their results, the ids by which the calls are known.
 *
 * @param toOwnName gives the caller's name of a tool for that of the server
 */
export function takeEvents(
  ids: CallIds,
  events: readonly HarnessEvent[],
  toOwnName: (serverName: string) => string = (name) => name,
): readonly [CallIds, readonly HarnessEvent[]] {
  let state = ids;
  const renamed = events.map((event): HarnessEvent => {
    if (event.type === 'tool-call' && event.server === CALLER_MCP_SERVER) {
      const call = { ...event, name: toOwnName(event.name) };
      const arrived = findCall(state.arrived, call);
      if (arrived === undefined) {
        state = { ...state, told: new Map(state.told).set(call.id, call) };
        return call;
      }
      const aliases = new Map(state.aliases).set(event.id, arrived.id);
      state = { ...state, arrived: without(state.arrived, arrived.id), aliases };
      return { ...call, id: arrived.id };
    }
    if (event.type !== 'tool-result') return event;
    // It ended without having arrived.
    if (state.told.has(event.id)) state = { ...state, told: without(state.told, event.id) };
    return { ...event, id: state.aliases.get(event.id) ?? event.id };
  });
  return [state, renamed];
}

type NamedCall = Pick<CallerToolCall, 'name' | 'input'>;

/** The same call, or the most likely one: some agents tell neither its input nor its name as our server has it (gemini 0.61.0, copilot 1.0.102). */
function findCall(calls: ReadonlyMap<string, CallerToolCall>, { name, input }: NamedCall): CallerToolCall | undefined {
  const known = [...calls.values()];
  const sameName = known.filter((call) => call.name === name);
  const inputText = JSON.stringify(input);
  return sameName.find((call) => JSON.stringify(call.input) === inputText) ?? sameName[0] ?? known[0];
}

function without(calls: ReadonlyMap<string, CallerToolCall>, id: string): ReadonlyMap<string, CallerToolCall> {
  return new Map([...calls].filter(([known]) => known !== id));
}
