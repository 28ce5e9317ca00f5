import type { Sandbox } from '../../sandbox/sandbox.js';
import { findPackageVersion } from '../../sandbox/process/package-version.js';
import { parseVersion } from '../probe.js';

const ASK_MS = 5_000;

/** Stands for the version of a program that does not tell it. */
const UNKNOWN_VERSION = 'unknown';

/**
 * The version of an agent's program; `undefined` if it is missing. That of its npm package is taken where there is one: these programs take up to
 * some seconds to print theirs, and adapters print none. Any other is asked with `--version`. Never rejects.
 */
export async function probeAgent(sandbox: Pick<Sandbox, 'run'>, command: string): Promise<string | undefined> {
  const version = findPackageVersion(command);
  if (version !== undefined) return version;
  const run = await sandbox.run(command, ['--version'], ASK_MS);
  if (run.kind === 'missing') return undefined;
  return (run.kind === 'done' ? parseVersion(run.output) : undefined) ?? UNKNOWN_VERSION;
}
