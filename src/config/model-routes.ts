import type { Parsed } from './setting.js';

/** Model names of a pattern (`*` stands for anything) that go to a harness. */
export interface ModelRoute {
  readonly pattern: string;
  readonly harness: string;
}

/** The routes in a comma-separated list of `pattern=harness`, whose harnesses are among these; `undefined` for no list. */
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
