import type { Harnesses } from '../../harness/definition.js';
import type { HarnessName } from '../../harness/harness.js';
import { HARNESSES } from '../../harness/harnesses.js';

/** The values of `harness_type` that this version accepts, for the documentation. */
export const HARNESS_TYPES: readonly string[] = HARNESSES.map(({ sessionType }) => sessionType);

/** Finds the name of the harness with this `harness_type`. */
export function parseHarnessType(type: string, harnesses: Harnesses): HarnessName | undefined {
  return harnesses.find(({ sessionType }) => sessionType === type)?.name;
}

/** The `harness_type` of a harness; its stored name when this version does not have it. */
export function toHarnessType(name: HarnessName, harnesses: Harnesses): string {
  return harnesses.find((harness) => harness.name === name)?.sessionType ?? name;
}
