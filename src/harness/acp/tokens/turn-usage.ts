import type { HarnessEvent, JsonObject, TokenUsage } from '../../../domain/harness-event.js';
import { asArray, asObject, asString } from '../../../domain/json.js';
import type { UsageForm } from '../dialects/dialect.js';
import { callEvents, subtractEarlier, toAcpUsage, toQuotaUsage } from './token-usage.js';

/** What is remembered of the counts of a process. */
export interface AcpUsageState {
  /** The model of calls for which the agent names none. */
  readonly model: string;
  /** The newest running total of the session. */
  readonly total: TokenUsage | undefined;
}

/** Of a process that has not called a model yet. */
export function initialAcpUsage(model: string): AcpUsageState {
  return { model, total: undefined };
}

/** What a turn has used, by the answer to its prompt. No events where it says nothing. */
export function countTurn(
  state: AcpUsageState,
  form: UsageForm,
  { usage, _meta }: JsonObject,
): readonly [AcpUsageState, readonly HarnessEvent[]] {
  const models = asArray(asObject(asObject(_meta)['quota'])['model_usage']).map(asObject);
  switch (form) {
    case 'turn':
    case 'last-call': {
      const used = toAcpUsage(usage);
      const model = (models.length === 1 ? asString(models[0]?.['model']) : undefined) ?? state.model;
      return [state, used === undefined ? [] : callEvents(model, used)];
    }
    case 'running-total': {
      const total = toAcpUsage(usage);
      if (total === undefined) return [state, []];
      const used = subtractEarlier(total, state.total);
      return [{ ...state, total }, used === undefined ? [] : callEvents(state.model, used)];
    }
    case 'quota':
      return [
        state,
        models.flatMap((entry) => {
          const used = toQuotaUsage(asObject(entry['token_count']));
          return used === undefined ? [] : callEvents(asString(entry['model']) ?? state.model, used);
        }),
      ];
    case 'call':
    case 'none':
      return [state, []];
    default:
      return form satisfies never;
  }
}

/** What one model call has used, by a chunk of agent text. */
export function countCall(state: AcpUsageState, form: UsageForm, { _meta }: JsonObject): readonly HarnessEvent[] {
  const used = form === 'call' ? toAcpUsage(asObject(_meta)['usage']) : undefined;
  return used === undefined ? [] : callEvents(state.model, used);
}
