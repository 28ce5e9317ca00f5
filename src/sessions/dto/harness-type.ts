import type { Harnesses } from '../../harness/definition.js';
import type { HarnessName } from '../../harness/harness.js';
import { HARNESSES } from '../../harness/harnesses.js';

/** The values of `harness_type` that this version takes, for the documentation. */
export const HARNESS_TYPES: readonly string[] = HARNESSES.map(({ sessionType }) => sessionType);

/** Our name of the harness that the session API calls by this type. */
export function parseHarnessType(type: string, harnesses: Harnesses): HarnessName | undefined {
  return harnesses.find(({ sessionType }) => sessionType === type)?.name;
}

/** The session API's name of a harness: its own name for one that this version does not have. */
export function toHarnessType(name: HarnessName, harnesses: Harnesses): string {
  return harnesses.find((harness) => harness.name === name)?.sessionType ?? name;
}
