import { ConfigurationError } from '../../config/configuration-error.js';
import { type Finding, problem } from './finding.js';

/** Runs a check of the start, and lists the settings that it refuses. Rejects with any other error. */
export async function listRefusals(
  area: Finding['area'],
  check: () => void | Promise<void>,
): Promise<readonly Finding[]> {
  try {
    await check();
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return [...error.problems].map(([name, expected]) =>
      problem(area, `${name} ${expected}.`, `See ${name} in docs/configuration.md.`),
    );
  }
}
