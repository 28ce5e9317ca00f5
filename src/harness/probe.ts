import { Logger } from '@nestjs/common';
import type { Sandbox } from '../sandbox/sandbox.js';

const PROBE_TIMEOUT_MS = 5_000;

const logger = new Logger('HarnessProbe');

/**
 * Asks a program of the sandbox for its version with `--version`. `undefined` when it is not there, does not answer within 5 seconds,
 * or prints nothing like a version. Never rejects.
 */
export async function probeVersion(sandbox: Pick<Sandbox, 'run'>, command: string): Promise<string | undefined> {
  const run = await sandbox.run(command, ['--version'], PROBE_TIMEOUT_MS);
  if (run.kind === 'missing') return undefined;
  const version = run.kind === 'done' ? versionIn(run.output) : undefined;
  if (version === undefined) {
    const problem = run.kind === 'failed' ? run.problem : 'tells no version';
    logger.warn(`${command} was found, and is not used: --version ${problem}`);
  }
  return version;
}

/** The first version number in a text: `codex-cli 0.169.0` and `2.1.330 (Claude Code)` alike. */
export function versionIn(text: string): string | undefined {
  return /\d+\.\d+\.\d+[\w.+-]*/.exec(text)?.[0];
}
