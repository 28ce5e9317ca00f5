import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asObject, asString } from '../../../domain/json.js';
import type { HarnessTurn } from '../../harness.js';
import { endAcpBlock, releaseHeld } from '../decode/blocks.js';
import { decodeUpdate } from '../decode/decode.js';
import { type AcpState, type AcpStep, chainSteps } from '../decode/state.js';
import { findPrompt } from './find-prompt.js';
import { removeSaidTexts } from './said-texts.js';

/** How an attempt goes on whose session was taken up. */
export interface ReplayPlan {
  readonly kind:
    /** The record does not have the prompt. */
    | 'prompt'
    /** The agent has to be asked to go on. */
    | 'go-on'
    /** Nothing is left to do: the events end the turn. */
    | 'over';
  /** What the record has and the log may lack. */
  readonly events: readonly HarnessEvent[];
}

const FROM_PROMPT: ReplayPlan = { kind: 'prompt', events: [] };

/**
 * Finds out from an agent's replay of its record how far the turn has come.
 *
 * No agent goes on with a turn that broke off, and all have lost the text during which they were killed; what came before they tell again, tools under the same
 * ids (recordings *.kill9-load).
 *
 * @param replay the updates of the replay
 * @param state of a decoder at the beginning of this attempt
 */
export function planReplay(
  replay: readonly JsonObject[],
  { prompt, priorEvents = [] }: Pick<HarnessTurn, 'prompt' | 'priorEvents'>,
  state: AcpState,
): ReplayPlan {
  const begin = findPrompt(replay, prompt);
  if (begin === undefined) return FROM_PROMPT;
  const own = replay.slice(begin);
  const told = decodeReplay(own, { ...state, prefix: `${state.prefix}r` });
  const logged = priorEvents.flatMap((event) => (event.type === 'tool-call' ? [event.id] : []));
  const toldCalls = new Set(told.flatMap((event) => (event.type === 'tool-call' ? [event.id] : [])));
  const isOver = endsWithAnswer(own) && logged.every((id) => toldCalls.has(id) || isPlan(id));
  // Nothing of this turn is known, and all of that one: it is an earlier turn with the same message.
  if (isOver && !hasProgress(priorEvents)) return FROM_PROMPT;
  const events = removeSaidTexts(told, priorEvents);
  return isOver
    ? { kind: 'over', events: [...events, { type: 'turn-end', reason: 'end_turn' }] }
    : { kind: 'go-on', events };
}

/** The texts, and the tools that have ended: what the agent told of one that has not is lost with its process. */
function decodeReplay(updates: readonly JsonObject[], state: AcpState): readonly HarnessEvent[] {
  const steps = updates.map(
    (update) =>
      (current: AcpState): AcpStep =>
        decodeUpdate(current, update, 0),
  );
  const [, events] = chainSteps(state, ...steps, releaseHeld, endAcpBlock);
  const ended = new Set(events.flatMap((event) => (event.type === 'tool-result' ? [event.id] : [])));
  return events.filter((event) => {
    if (event.type === 'tool-call') return ended.has(event.id);
    return (
      event.type === 'tool-result' ||
      event.type.startsWith('text') ||
      event.type.startsWith('thinking') ||
      event.type === 'block-end'
    );
  });
}

/** Whether the last thing that was said or done is an answer of the agent. */
function endsWithAnswer(updates: readonly JsonObject[]): boolean {
  const last = updates.findLast((update) => {
    const kind = asString(update['sessionUpdate']) ?? '';
    if (kind === 'agent_message_chunk') return asString(asObject(update['content'])['text']) !== '';
    return kind === 'user_message_chunk' || kind === 'tool_call' || kind === 'tool_call_update';
  });
  return last?.['sessionUpdate'] === 'agent_message_chunk';
}

function hasProgress(events: readonly HarnessEvent[]): boolean {
  return events.some(({ type }) => type === 'tool-call' || type === 'text-delta');
}

/** Plans have made-up ids, and are not replayed. */
function isPlan(id: string): boolean {
  return id.startsWith('plan-');
}
