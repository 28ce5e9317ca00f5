import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asObjects, asString } from '../../../domain/json.js';
import { AGENT_SERVER } from '../../../domain/seed/seed-message.js';
import { endAcpBlock, releaseHeld } from './blocks.js';
import { type AcpState, type AcpStep, chainSteps } from './state.js';

/** A plan, which is whole each time, as a call of `update_plan` and its result; nothing for the same plan again. */
export function planUpdated(state: AcpState, { entries }: JsonObject): AcpStep {
  const text = asObjects(entries)
    .map((entry) => `${MARKS[asString(entry['status']) ?? ''] ?? '[ ]'} ${asString(entry['content']) ?? ''}`)
    .join('\n');
  if (text === '' || text === state.plan) return [state, []];
  const id = `plan-${state.prefix}-${state.named}`;
  const events: readonly HarnessEvent[] = [
    { type: 'tool-call', id, name: 'update_plan', server: AGENT_SERVER, input: { plan: entries ?? [] } },
    { type: 'tool-result', id, content: [{ type: 'text', text }], isError: false },
  ];
  return chainSteps(state, releaseHeld, endAcpBlock, (current) => [
    { ...current, plan: text, named: current.named + 1, hasActed: true },
    events,
  ]);
}

const MARKS: Readonly<Record<string, string>> = { completed: '[x]', in_progress: '[>]' };
