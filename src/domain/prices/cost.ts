import type { TokenUsage } from '../harness-event.js';
import { findPrice, type ModelPrice, type PriceList } from './price-list.js';

/** The tokens of a model. */
export interface ModelTokenUsage {
  readonly model: string;
  readonly usage: TokenUsage;
}

/** What the tokens of a model cost. */
export interface ModelCost {
  /** The model's name in the list of prices, so that there are no more names than prices. */
  readonly model: string;
  /** Millionths of a US dollar. */
  readonly micros: number;
}

/** What a turn used. */
export interface UsedTokens {
  /** All tokens of the turn. */
  readonly total: TokenUsage;
  /** The model calls that are known one by one; the total may have more, as those of sub-agents. */
  readonly calls: readonly ModelTokenUsage[];
  /** The model of the turn's answer, for a total without calls. */
  readonly answeredModel: string;
}

/**
 * Computes what a turn cost, by model. Each call has the price of its own model, and what the total has beyond the calls that of the last
 * one. `undefined` when a model has no price: part of a sum would look like all of it.
 */
export function computeCost(prices: PriceList, used: UsedTokens): readonly ModelCost[] | undefined {
  const micros = new Map<string, number>();
  for (const { model, usage } of attributeTokens(used)) {
    const priced = findPrice(prices, model);
    if (priced === undefined) return undefined;
    micros.set(priced.family, (micros.get(priced.family) ?? 0) + multiply(usage, priced.price));
  }
  return [...micros].map(([model, sum]) => ({ model, micros: Math.round(sum) }));
}

/** Adds up the costs of models. */
export function sumCosts(costs: readonly ModelCost[]): number {
  return costs.reduce((sum, { micros }) => sum + micros, 0);
}

/** Distributes all tokens of a turn over models. Leaves out what has no tokens, which costs nothing at any price. */
function attributeTokens({ total, calls, answeredModel }: UsedTokens): readonly ModelTokenUsage[] {
  const model = calls.at(-1)?.model ?? answeredModel;
  const rest = calls.reduce((left, { usage }) => subtract(left, usage), total);
  // The total may also be less than the calls, where an agent has corrected itself: it is what the turn is billed with.
  const parts = counts(rest).some((count) => count < 0)
    ? [{ model, usage: total }]
    : [...calls, { model, usage: rest }];
  return parts.filter(({ usage }) => counts(usage).some((count) => count !== 0));
}

function multiply(usage: TokenUsage, price: ModelPrice): number {
  const { inputTokens, outputTokens, cacheReadInputTokens, cacheCreationInputTokens } = usage;
  const hour = Math.min(usage.cacheCreation1hInputTokens ?? 0, cacheCreationInputTokens);
  return (
    inputTokens * price.input +
    outputTokens * price.output +
    cacheReadInputTokens * price.cacheRead +
    (cacheCreationInputTokens - hour) * price.cacheWrite +
    hour * price.cacheWrite1h
  );
}

/** The kinds of tokens that have a price of their own. */
function counts(usage: TokenUsage): readonly number[] {
  const { inputTokens, outputTokens, cacheReadInputTokens, cacheCreationInputTokens } = usage;
  return [inputTokens, outputTokens, cacheReadInputTokens, cacheCreationInputTokens];
}

function subtract(from: TokenUsage, usage: TokenUsage): TokenUsage {
  return {
    inputTokens: from.inputTokens - usage.inputTokens,
    outputTokens: from.outputTokens - usage.outputTokens,
    cacheReadInputTokens: from.cacheReadInputTokens - usage.cacheReadInputTokens,
    cacheCreationInputTokens: from.cacheCreationInputTokens - usage.cacheCreationInputTokens,
    // A total without this count was made of calls that had it.
    cacheCreation1hInputTokens: Math.max(
      0,
      (from.cacheCreation1hInputTokens ?? 0) - (usage.cacheCreation1hInputTokens ?? 0),
    ),
    thinkingTokens: from.thinkingTokens - usage.thinkingTokens,
  };
}
