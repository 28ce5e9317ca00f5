import { join } from 'node:path';
import type { HarnessThread } from '../../harness.js';

const FILE = '.chiron/environment.sh';

/**
 * The variables by which the commands of a process get those that its thread turns out to have: bash, in which agents run commands, reads this file before each.
 * A running process can be given no others, and the protocol has none. Empty for a process whose thread is known.
 */
export function toLateEnvironment({ isSpare, folders }: HarnessThread): Readonly<Record<string, string>> {
  return isSpare === true ? { BASH_ENV: join(folders.home, FILE) } : {};
}

/** Writes the variables of a thread for the commands of a process that was started without them. */
export async function writeLateVariables(
  { files }: Pick<HarnessThread, 'files'>,
  variables: Readonly<Record<string, string>>,
): Promise<void> {
  const lines = Object.entries(variables).map(
    ([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`,
  );
  await files.write(`home/${FILE}`, lines.join(''));
}
