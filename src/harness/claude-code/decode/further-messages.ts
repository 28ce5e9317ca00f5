import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asString, asStrings } from '../../../domain/json.js';
import type { ClaudeState, DecoderState } from './turn-state.js';

/** The next state, and the events to emit. */
type Step = readonly [DecoderState, readonly HarnessEvent[]];

const NO_EVENTS: readonly HarnessEvent[] = [];

/**
 * Expects the agent to hear a further message of the user in the running turn; `uuid` is that of its line. `id` is the message's own;
 * `undefined` for the turn's own prompt, of which no event tells.
 *
 * Claude Code 2.1.330 (seen) queues the line, and hands it to the model with the next results of tools; without any, it ends the turn with a
 * `result` and starts another one for the message by itself. Which messages a model call has, its `status` line tells by their `uuid`s.
 */
export function expectMessage(state: ClaudeState, uuid: string, id: string | undefined): ClaudeState {
  return withTurn(state, { ...state.turn, unheard: new Map([...state.turn.unheard, [uuid, id]]) });
}

/** Stops to expect all messages: the turn ends without them. */
export function dropMessages(state: ClaudeState): ClaudeState {
  return withTurn(state, { ...state.turn, unheard: new Map() });
}

/** Reads from a `status` line which further messages the model hears with its call. */
export function hearMessages(turn: DecoderState, line: JsonObject): Step {
  const heard = asStrings(line['user_message_uuids']).filter((uuid) => turn.unheard.has(uuid));
  if (heard.length === 0) return [turn, NO_EVENTS];
  const ids = heard.flatMap((uuid) => turn.unheard.get(uuid) ?? []);
  const events = ids.map((id): HarnessEvent => ({ type: 'user-message', id }));
  return [{ ...without(turn, heard), postponed: NO_EVENTS }, events];
}

/** Reads a `command_lifecycle` line: a message that is withdrawn before it is heard no longer keeps the turn from its end. */
export function withdrawMessage(turn: DecoderState, line: JsonObject): Step {
  const uuid = asString(line['command_uuid']) ?? '';
  if (line['state'] !== 'cancelled' || !turn.unheard.has(uuid)) return [turn, NO_EVENTS];
  const next = without(turn, [uuid]);
  if (next.unheard.size > 0 || next.postponed.length === 0) return [next, NO_EVENTS];
  return [{ ...next, ended: true, postponed: NO_EVENTS }, next.postponed];
}

/** Ends the turn, unless a further message is still to be heard: then the end waits, and does not count once it is heard. */
export function endUnlessExpecting(turn: DecoderState, end: readonly HarnessEvent[]): Step {
  return turn.unheard.size === 0 ? [{ ...turn, ended: true }, end] : [{ ...turn, postponed: end }, NO_EVENTS];
}

function without(turn: DecoderState, uuids: readonly string[]): DecoderState {
  return { ...turn, unheard: new Map([...turn.unheard].filter(([uuid]) => !uuids.includes(uuid))) };
}

function withTurn(state: ClaudeState, turn: DecoderState): ClaudeState {
  return { ...state, turn };
}
