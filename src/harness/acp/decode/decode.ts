import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asObject, asString } from '../../../domain/json.js';
import { withoutAddresses } from '../../failures/provider-failure.js';
import { agentText, agentThought, releaseHeld } from './blocks.js';
import { planUpdated } from './plan.js';
import { type AcpState, type AcpStep, chainSteps } from './state.js';
import { tellHeld, toolUpdated } from './tools.js';

/**
 * The `update` of a `session/update` of our session, between a prompt and its answer. Updates that mean nothing to us give no events.
 *
 * @param now milliseconds since the epoch
 */
export function decodeUpdate(state: AcpState, update: JsonObject, now: number): AcpStep {
  switch (asString(update['sessionUpdate'])) {
    case 'agent_message_chunk':
      return chainSteps(
        state,
        (current) => tellHeld(current, now),
        (current) => agentText(current, update),
      );
    case 'agent_thought_chunk':
      return chainSteps(
        state,
        (current) => tellHeld(current, now),
        (current) => agentThought(current, update),
      );
    case 'tool_call':
    case 'tool_call_update':
      return toolUpdated(state, update, now);
    case 'plan':
      return planUpdated(state, update);
    case 'usage_update':
      // The size of the context. It also says that a message of the model is whole (recording claude.tool).
      return tellHeld(state, now);
    case 'session_info_update':
      return codexStatus(state, asObject(asObject(update['_meta'])['codex']));
    case 'compaction_update':
      return update['status'] === 'in_progress'
        ? [state, [notice('compacting', 'The conversation is being compacted.')]]
        : [state, []];
    case 'notice':
      return [state, [notice('progress', asString(update['title']) ?? 'The agent has a notice.')]];
    default:
      return [state, []];
  }
}

/**
 * Where codex-acp 2.6.0 says that a model call is tried again, or that the turn has failed, of which the next text has the reason (recordings
 * codex.error-overloaded, codex.error-bad_request).
 */
function codexStatus(state: AcpState, { error, threadStatus }: JsonObject): AcpStep {
  const retrying = asString(asObject(error)['message']);
  if (retrying !== undefined) return [state, [notice('retrying', withoutAddresses(retrying))]];
  if (asObject(threadStatus)['type'] !== 'systemError') return [state, []];
  return chainSteps(state, releaseHeld, (current) => [{ ...current, failure: current.failure ?? '' }, []]);
}

function notice(kind: 'compacting' | 'progress' | 'retrying', message: string): HarnessEvent {
  return { type: 'notice', kind, message };
}
