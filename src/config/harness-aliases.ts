import type { Parsed } from './setting.js';

/** A `harness_type` of the session API that this server runs with one of its own harnesses. */
export interface HarnessAlias {
  /** The name that clients send; `*` for every name that the server does not know, and for none. */
  readonly type: string;
  readonly harness: string;
}

/** Parses a comma-separated list of `type=harness` with these harnesses; no aliases for an absent list. */
export function parseHarnessAliases(
  text: string | undefined,
  harnesses: readonly string[],
): Parsed<readonly HarnessAlias[]> {
  if (text === undefined) return { value: [] };
  const aliases = text.split(',').map((entry) => {
    const [type = '', harness = '', ...rest] = entry.trim().split('=');
    return { type, harness, isWellFormed: /^\S+$/.test(type) && harnesses.includes(harness) && rest.length === 0 };
  });
  return aliases.every(({ isWellFormed }) => isWellFormed)
    ? { value: aliases.map(({ type, harness }) => ({ type, harness })) }
    : { expected: `must be a comma-separated list of type=harness, harness one of ${harnesses.join(', ')}` };
}
