import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Variables } from './setting.js';

const SUFFIX = '_FILE';

/**
 * Adds the values of secrets that are given as files: for each of `names`, the variable with `_FILE` behind it is the path of a file with the
 * value. Everyone who may read the environment of the server's process, such as a command of an agent in the same user, sees the path only.
 *
 * A file that cannot be read or is empty, and a variable that is given both ways, are added to `problems`.
 */
export function readSecretFiles(
  variables: Variables,
  names: readonly string[],
  problems: Map<string, string>,
): Variables {
  const values = names.flatMap((name) => {
    const file = variables[`${name}${SUFFIX}`]?.trim() ?? '';
    if (file === '') return [];
    if ((variables[name] ?? '') !== '') {
      problems.set(name, `must not be set beside ${name}${SUFFIX}`);
      return [];
    }
    const value = readSecret(file);
    if (value !== '') return [[name, value] as const];
    problems.set(`${name}${SUFFIX}`, 'must be a readable file with the value');
    return [];
  });
  return { ...variables, ...Object.fromEntries(values) };
}

/** Empty if it cannot be read. Editors and `echo` end a file with a line end, which is no part of the secret. */
function readSecret(file: string): string {
  try {
    return readFileSync(resolve(file), 'utf8').trim();
  } catch {
    // The path is in the operator's own configuration; the problem names the variable.
    return '';
  }
}
