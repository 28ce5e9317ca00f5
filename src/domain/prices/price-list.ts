/** What a model costs, in US dollars per million tokens: the same number is millionths of a dollar per token. */
export interface ModelPrice {
  /** Input that is neither read from the provider's cache nor written to it. */
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  /** Input that is written to the cache. */
  readonly cacheWrite: number;
  /** Input that is cached for an hour instead of five minutes. */
  readonly cacheWrite1h: number;
}

/** The prices of models by their names in lower case, usually without dates. */
export type PriceList = ReadonlyMap<string, ModelPrice>;

/** The price of a model, and the name that it has in the list. */
export interface PricedModel {
  readonly family: string;
  readonly price: ModelPrice;
}

/**
 * Finds the price of a model by the name that an agent or a caller has for it. A name in the list wins as it is; otherwise the name without
 * what gateways, clouds and snapshots add to it. `undefined` for any other name: a price is never guessed from a similar model.
 */
export function findPrice(prices: PriceList, model: string): PricedModel | undefined {
  const name = model.toLowerCase();
  return findByName(prices, name) ?? findByName(prices, toModelFamily(name));
}

function findByName(prices: PriceList, family: string): PricedModel | undefined {
  const price = prices.get(family);
  return price === undefined ? undefined : { family, price };
}

/** Text before the name itself: of Chiron or a gateway (`codex/…`, `openai/…`), or of Bedrock (`us.anthropic.…`). */
const PREFIX = /^(?:.*\/)?(?:[a-z]{2,6}\.)?(?:anthropic\.)?/;
/** Bedrock's version of a model, `-v1:0`, and Claude Code's mark of a long context, `[1m]`. */
const SUFFIX = /(?:-v\d+(?::\d+)?)?(?:\[\w+\])?$/;
/** The day of a snapshot: `-20250929`, Vertex's `@20250929`, or `-2026-04-23`; or the newest one. */
const SNAPSHOT = /(?:[-@]20\d\d-?[01]\d-?[0-3]\d|[-@]latest)$/;

/** The name of a model without its provider, its version and its snapshot. */
export function toModelFamily(model: string): string {
  return model.toLowerCase().replace(PREFIX, '').replace(SUFFIX, '').replace(SNAPSHOT, '');
}
