import { Logger } from '@nestjs/common';
import type { Sandbox } from '../sandbox/sandbox.js';

const PROBE_TIMEOUT_MS = 5_000;

const logger = new Logger('HarnessProbe');

/**
 * Runs a program of the sandbox with `--version`. `undefined` if it is missing, does not exit within 5 seconds, or prints no version.
 * Never rejects.
 */
export async function probeVersion(sandbox: Pick<Sandbox, 'run'>, command: string): Promise<string | undefined> {
  const run = await sandbox.run(command, ['--version'], PROBE_TIMEOUT_MS);
  if (run.kind === 'missing') return undefined;
  const version = run.kind === 'done' ? parseVersion(run.output) : undefined;
  if (version === undefined) {
    const problem = run.kind === 'failed' ? run.problem : 'prints no version';
    logger.warn(`ignored ${command}: --version ${problem}`);
  }
  return version;
}

/** Finds the first version number in a text, such as `codex-cli 0.169.0` or `2.1.330 (Claude Code)`. */
export function parseVersion(text: string): string | undefined {
  return /\d+\.\d+\.\d+[\w.+-]*/.exec(text)?.[0];
}
