import type { Parsed } from './setting.js';

/** Routes the model names of a pattern (`*` matches any text) to a harness. */
export interface ModelRoute {
  readonly pattern: string;
  readonly harness: string;
}

/** Parses a comma-separated list of `pattern=harness` with these harnesses; `undefined` for an absent list. */
export function parseModelRoutes(
  text: string | undefined,
  harnesses: readonly string[],
): Parsed<readonly ModelRoute[] | undefined> {
  if (text === undefined) return { value: undefined };
  const routes = text.split(',').map((entry) => {
    const [pattern = '', harness = '', ...rest] = entry.split('=');
    return {
      pattern,
      harness,
      isWellFormed: /^\S+$/.test(pattern) && harnesses.includes(harness) && rest.length === 0,
    };
  });
  return routes.every(({ isWellFormed }) => isWellFormed)
    ? { value: routes.map(({ pattern, harness }) => ({ pattern, harness })) }
    : { expected: `must be a comma-separated list of pattern=harness, harness one of ${harnesses.join(', ')}` };
}
