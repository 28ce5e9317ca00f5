import type { HarnessThread } from '../harness.js';

/** The kernel refuses a program whose variables are longer; the sandbox does not shorten those that a running agent gets. */
const MAX_BYTES = 64 * 1024;

/**
 * The variables that a thread has and its process was started without. `undefined` if they are too long to be given to a running process.
 *
 * @param startedWith the variables of the process
 */
export function findAddedVariables(
  startedWith: Readonly<Record<string, string>>,
  { env }: Pick<HarnessThread, 'env'>,
): Readonly<Record<string, string>> | undefined {
  const added = Object.entries(env).filter(([name, value]) => startedWith[name] !== value);
  const bytes = added.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value) + 2, 0);
  return bytes > MAX_BYTES ? undefined : Object.fromEntries(added);
}
