import { hasTrait } from '../../domain/event-traits.js';
import type { HarnessEvent, JsonObject, TokenUsage } from '../../domain/harness-event.js';
import type { Thread } from '../../storage/stores/thread.store.js';
import type { Turn, TurnOutcome } from '../../storage/stores/turn.js';
import { buildTurnMessage } from '../../translator/collect.js';
import { addUsage, NO_TOKENS } from '../../anthropic/usage.js';
import { computeCost, type ModelCost, sumCosts } from '../../domain/prices/cost.js';
import type { PriceList } from '../../domain/prices/price-list.js';
import { toTranslateOptions } from './input/stored-request.js';

/** One of the two events that end a turn. */
export type TurnEnd = Extract<HarnessEvent, { readonly type: 'turn-end' | 'turn-failed' }>;

/** Drops the usage of a resumed harness, which covers its last process only; `toOutcome` then sums the turn's model calls. */
export function withoutReportedUsage(end: TurnEnd): TurnEnd {
  if (end.type === 'turn-failed') return end;
  const { usage: _, ...rest } = end;
  return rest;
}

/** What is stored when a turn ends, and its cost by model; `undefined` if a model of the turn has no known price. */
export interface CostedOutcome {
  readonly outcome: TurnOutcome;
  readonly costs: readonly ModelCost[] | undefined;
}

/** Returns what is stored when a turn ends, at `endedAt` (milliseconds since the epoch): its state, complete message, usage and cost. */
export function toOutcome(
  turn: Turn,
  thread: Thread,
  events: readonly HarnessEvent[],
  end: TurnEnd,
  { endedAt, prices }: { readonly endedAt: number; readonly prices: PriceList },
): CostedOutcome {
  const calls = events.filter((event) => hasTrait(event, 'countsUsage', true));
  const context = calls.at(-1)?.usage;
  const total = calls.map((call) => call.usage).reduce(addUsage, NO_TOKENS);
  const usage = end.type === 'turn-end' ? (end.usage ?? total) : total;
  const options = toTranslateOptions(turn, thread);
  const costs = computeCost(prices, { total: usage, calls, answeredModel: options.model });
  const base = {
    callerCalls: endsWithCalls(end) ? events.filter((event) => event.type === 'caller-tool-call') : [],
    usage,
    bill: { harness: thread.harness, model: options.model, costMicros: costs && sumCosts(costs) },
    contextUsage: context === undefined ? undefined : asJson(context),
    endedAt,
  };
  if (end.type === 'turn-failed') {
    const failure = { kind: end.kind, message: end.message };
    return { costs, outcome: { ...base, state: 'failed', message: undefined, failure } };
  }
  const folded = buildTurnMessage(options, [...events, end]);
  const message = 'message' in folded ? folded.message : undefined;
  const outcome: TurnOutcome =
    end.reason === 'interrupted'
      ? { ...base, state: 'cancelled', message, failure: undefined }
      : { ...base, state: 'completed', message, stopReason: end.reason };
  return { costs, outcome };
}

/** A turn that was interrupted or failed waits for no results. */
function endsWithCalls(end: TurnEnd): boolean {
  return end.type === 'turn-end' && end.reason === 'tool_use';
}

function asJson(usage: TokenUsage): JsonObject {
  return { ...usage };
}
