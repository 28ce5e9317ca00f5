import { hasTrait } from '../../domain/event-traits.js';
import type { HarnessEvent, JsonObject, TokenUsage } from '../../domain/harness-event.js';
import type { Thread } from '../../storage/stores/thread.store.js';
import type { Turn, TurnOutcome } from '../../storage/stores/turn.js';
import { buildTurnMessage } from '../../translator/collect.js';
import { addUsage, NO_TOKENS } from '../../anthropic/usage.js';
import { toTranslateOptions } from './input/stored-request.js';

/** One of the two events that end a turn. */
export type TurnEnd = Extract<HarnessEvent, { readonly type: 'turn-end' | 'turn-failed' }>;

/** Drops the usage of a resumed harness, which covers its last process only; `toOutcome` then sums the turn's model calls. */
export function withoutReportedUsage(end: TurnEnd): TurnEnd {
  if (end.type === 'turn-failed') return end;
  const { usage: _, ...rest } = end;
  return rest;
}

/** Returns what is stored when a turn ends: its state, complete message and usage. */
export function toOutcome(turn: Turn, thread: Thread, events: readonly HarnessEvent[], end: TurnEnd): TurnOutcome {
  const calls = events.filter((event) => hasTrait(event, 'countsUsage', true));
  const context = calls.at(-1)?.usage;
  const total = calls.map((call) => call.usage).reduce(addUsage, NO_TOKENS);
  const base = {
    callerCalls: endsWithCalls(end) ? events.filter((event) => event.type === 'caller-tool-call') : [],
    usage: end.type === 'turn-end' ? (end.usage ?? total) : total,
    contextUsage: context === undefined ? undefined : asJson(context),
    endedAt: Date.now(),
  };
  if (end.type === 'turn-failed') {
    return { ...base, state: 'failed', message: undefined, failure: { kind: end.kind, message: end.message } };
  }
  const folded = buildTurnMessage(toTranslateOptions(turn, thread), [...events, end]);
  const message = 'message' in folded ? folded.message : undefined;
  return end.reason === 'interrupted'
    ? { ...base, state: 'cancelled', message, failure: undefined }
    : { ...base, state: 'completed', message, stopReason: end.reason };
}

/** A turn that was interrupted or failed waits for no results. */
function endsWithCalls(end: TurnEnd): boolean {
  return end.type === 'turn-end' && end.reason === 'tool_use';
}

function asJson(usage: TokenUsage): JsonObject {
  return { ...usage };
}
