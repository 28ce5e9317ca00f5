import { execFile, type ExecFileException } from 'node:child_process';
import { findProgram } from '../process/find-program.js';
import type { ProgramRun } from '../sandbox.js';

/** Runs a program of this machine to its end; `command` is an absolute path or a name on the server's `PATH`. Never rejects. */
export function runProgram(command: string, args: readonly string[], timeoutMs: number): Promise<ProgramRun> {
  const path = findProgram(command, process.env['PATH']);
  if (path === undefined) return Promise.resolve({ kind: 'missing' });
  const options = { timeout: timeoutMs, killSignal: 'SIGKILL', encoding: 'utf8', env: bareEnvironment() } as const;
  return new Promise((resolve) => {
    execFile(path, args, options, (error, output) =>
      resolve(error === null ? { kind: 'done', output } : { kind: 'failed', problem: describeProblem(error) }),
    );
  });
}

/** The server's secrets are not for programs that no thread asked for. */
function bareEnvironment(): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env;
  return { PATH, HOME };
}

function describeProblem({ code, killed, signal }: ExecFileException): string {
  if (killed === true) return 'does not answer';
  return typeof code === 'string' ? `fails with ${code}` : `ends with ${code ?? signal ?? 'nothing'}`;
}
