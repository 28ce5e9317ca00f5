import { execFile, type ExecFileException } from 'node:child_process';
import { findProgram } from '../process/find-program.js';
import type { ProgramRun } from '../sandbox.js';
import type { HostLaunch } from './host.process.js';

/** Runs a program of this machine to its end; `command` is an absolute path or a name on the server's `PATH`. Never rejects. */
export function runProgram(command: string, args: readonly string[], timeoutMs: number): Promise<ProgramRun> {
  const program = findProgram(command, process.env['PATH']);
  if (program === undefined) return Promise.resolve({ kind: 'missing' });
  return runLaunch({ program, args, workingDirectory: '/', environment: bareEnvironment() }, timeoutMs);
}

/** Runs what is started for a program to its end. Never rejects. */
export function runLaunch(launch: HostLaunch, timeoutMs: number): Promise<ProgramRun> {
  const { program, args, workingDirectory, environment } = launch;
  const options = {
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    encoding: 'utf8',
    env: { ...environment },
    cwd: workingDirectory,
  } as const;
  return new Promise((resolve) => {
    const child = execFile(program, args, options, (error, output, stderr) => {
      if (error === null) resolve({ kind: 'done', output });
      else resolve({ kind: 'failed', problem: launch.explain?.(stderr) ?? describeProblem(error) });
    });
    // One that does not know its arguments may wait for input.
    child.stdin?.end();
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
