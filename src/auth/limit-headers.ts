import type { LimitState } from '../storage/stores/request-count.store.js';

/** What Anthropic's API says of its limits. [platform.claude.com/docs/en/api/rate-limits, "Response headers"] */
const PREFIX = 'anthropic-ratelimit-';

/** The headers about a limit, by the tightest of several: the one with the least left. None without a limit. */
export function toLimitHeaders(
  kind: 'requests' | 'tokens',
  states: readonly LimitState[],
): Readonly<Record<string, string>> {
  const [tightest] = states.toSorted((a, b) => a.remaining - b.remaining || b.resetsAt - a.resetsAt);
  if (tightest === undefined) return {};
  return {
    [`${PREFIX}${kind}-limit`]: String(tightest.limit),
    [`${PREFIX}${kind}-remaining`]: String(tightest.remaining),
    // RFC 3339, in whole seconds, not before the limit resets.
    [`${PREFIX}${kind}-reset`]: `${new Date(Math.ceil(tightest.resetsAt / 1000) * 1000).toISOString().slice(0, 19)}Z`,
  };
}

/** All headers about limits, for pages that may read them. */
export const LIMIT_HEADERS: readonly string[] = (['requests', 'tokens'] as const).flatMap((kind) =>
  Object.keys(toLimitHeaders(kind, [{ limit: 0, remaining: 0, resetsAt: 0 }])),
);
