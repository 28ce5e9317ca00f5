import type { Parsed, Variables } from './setting.js';

/** Looks up the variables of a comma-separated list of names; variables that are not set are left out. */
export function parsePassedVariables(
  names: string | undefined,
  variables: Variables,
): Parsed<Readonly<Record<string, string>>> {
  const listed = names === undefined || names === '' ? [] : names.split(',');
  if (!listed.every((name) => /^[A-Za-z_]\w*$/.test(name))) {
    return { expected: 'must be a comma-separated list of variable names' };
  }
  const entries = listed.flatMap((name) => {
    const value = variables[name];
    return value === undefined || value === '' ? [] : [[name, value] as const];
  });
  return { value: Object.fromEntries(entries) };
}
