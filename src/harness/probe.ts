import { execFile, type ExecFileException } from 'node:child_process';
import { Logger } from '@nestjs/common';
import { findProgram } from '../sandbox/process/find-program.js';

const PROBE_TIMEOUT_MS = 5_000;

const logger = new Logger('HarnessProbe');

/**
 * Asks a program for its version with `--version`; `command` is an absolute path or a name on the server's `PATH`. `undefined` when
 * it is not there, does not answer within 5 seconds, or prints nothing like a version. Never rejects.
 */
export async function probeVersion(command: string): Promise<string | undefined> {
  const path = findProgram(command, process.env['PATH']);
  if (path === undefined) return undefined;
  const output = await runForOutput(path);
  const version = versionIn(output.text);
  if (version === undefined) {
    logger.warn(`${command} was found, and is not used: --version ${output.problem ?? 'tells no version'}`);
  }
  return version;
}

/** The first version number in a text: `codex-cli 0.169.0` and `2.1.330 (Claude Code)` alike. */
export function versionIn(text: string): string | undefined {
  return /\d+\.\d+\.\d+[\w.+-]*/.exec(text)?.[0];
}

/** The agent programs are asked for their version only; the server's secrets are not theirs. */
function probeEnvironment(): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env;
  return { PATH, HOME };
}

interface Output {
  readonly text: string;
  /** Why there is none. */
  readonly problem?: string;
}

function runForOutput(path: string): Promise<Output> {
  return new Promise((resolve) => {
    const options = {
      timeout: PROBE_TIMEOUT_MS,
      killSignal: 'SIGKILL',
      encoding: 'utf8',
      env: probeEnvironment(),
    } as const;
    execFile(path, ['--version'], options, (error, stdout) =>
      resolve(error === null ? { text: stdout } : { text: '', problem: describeProblem(error) }),
    );
  });
}

function describeProblem({ code, killed, signal }: ExecFileException): string {
  if (killed === true) return 'does not answer';
  return typeof code === 'string' ? `fails with ${code}` : `ends with ${code ?? signal ?? 'nothing'}`;
}
