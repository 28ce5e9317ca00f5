import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import { EMPTY, type Observable } from 'rxjs';
import { describeFileError } from '../errors.js';
import { decodeTail, keepTail } from '../process/lines.js';
import { readLines } from '../process/output.js';
import type { Reaper } from './reaper.js';
import type { ProcessLimits } from '../limits/process-limits.js';
import type { SandboxExit, SandboxProcess } from '../sandbox.js';
import { toExecFailure, type SpawnFailure, toSpawnFailure } from '../process/spawn-failure.js';
import { listTreeIds, killTree, signalProcess } from './sweep.js';

const STDERR_BYTES = 4096;

/** How long to wait for the end of standard error after all processes have exited. */
const STDERR_WAIT_MS = 1000;

/**
 * Blocks the program until the reaper guards its pid, so that a killed server never leaves an unguarded program. `read` of a POSIX
 * shell consumes no byte after the line end of a pipe, so the program's input stays intact, and `exec` keeps the pid. If the server
 * dies before it writes the line, the input closes and the shell exits.
 */
const GATE = 'read -r CHIRON_GATE || exit 125; unset CHIRON_GATE; exec "$0" "$@"';

/** Options of a local process. */
export interface LocalProcessOptions {
  /** Absolute path of the program. */
  readonly program: string;
  readonly args: readonly string[];
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** `NAME=value`, part of `environment` and of no other process's. */
  readonly marker: string;
  readonly reaper: Reaper;
  /** Limits and counts what the process uses; absent for neither. */
  readonly limits?: ProcessLimits;
  /** Logs a warning; never receives output of the process. */
  readonly warn: (text: string) => void;
}

/** Starts a program. Never throws: if it cannot start, `exit` has the reason. */
export function startProcess(options: LocalProcessOptions): SandboxProcess {
  try {
    const command = [...(options.limits?.commandPrefix ?? []), options.program, ...options.args];
    const child = spawn('/bin/sh', ['-c', GATE, ...command], {
      cwd: options.workingDirectory,
      env: { ...options.environment },
      // Its own group, so that it can be signalled with all that stays in it.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    return child.pid === undefined ? notStartedProcess(failure(child)) : new LocalProcess(child, child.pid, options);
  } catch (error) {
    // Arguments that are too long or hold a NUL, or a system without memory.
    return toFailedProcess(toSpawnFailure(error));
  }
}

/** A process that could not be started. */
export function toFailedProcess(failure: SpawnFailure): SandboxProcess {
  return notStartedProcess(Promise.resolve(failure));
}

function notStartedProcess(failure: Promise<SpawnFailure>): SandboxProcess {
  const exit = failure.then((why): SandboxExit => ({ code: null, signal: null, stderr: '', notStarted: why }));
  return { lines$: EMPTY, exit, writeLine: () => undefined, stop: () => exit.then(() => undefined) };
}

function failure(child: ChildProcess): Promise<SpawnFailure> {
  return new Promise((resolve) => child.once('error', (error) => resolve(toSpawnFailure(error))));
}

/** A program of this machine in a process group of its own. */
class LocalProcess implements SandboxProcess {
  readonly lines$: Observable<readonly string[]>;
  readonly exit: Promise<SandboxExit>;
  private guarded = false;
  private stderr: Buffer = Buffer.alloc(0);
  private treeIds: ReadonlySet<string> = new Set();

  constructor(
    private readonly child: ChildProcessWithoutNullStreams,
    private readonly pid: number,
    private readonly options: LocalProcessOptions,
  ) {
    // The gate's line is first in the queue, and the queue is held until the reaper knows the pid.
    child.stdin.cork();
    child.stdin.write('\n');
    // Ignore write errors: the process may have exited or closed its input.
    child.stdin.on('error', () => undefined);
    child.stderr.on('error', () => undefined);
    child.stderr.on('data', (chunk: Buffer) => {
      this.stderr = keepTail(this.stderr, chunk, STDERR_BYTES);
    });
    this.exit = this.end();
    this.lines$ = readLines(child.stdout, this.exit, (count) => {
      options.warn(`dropped ${String(count)} line(s) of output above the length limit`);
    });
    void options.reaper.add(pid).then(() => this.begin());
  }

  private get hasExited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  writeLine(line: string): void {
    if (this.child.stdin.writable) this.child.stdin.write(`${line}\n`);
  }

  async stop(graceMs: number): Promise<void> {
    // Ending a corked stream would flush it and release the program before it is guarded.
    if (this.guarded) this.child.stdin.end();
    else this.child.stdin.destroy();
    if (this.hasExited) return void (await this.exit);
    // Collect descendants while the process lives: after its death they are reparented and cannot be found by parent.
    await this.refreshTree();
    this.signal('SIGTERM');
    const grace = setTimeout(() => {
      void this.refreshTree().then(() => this.signal('SIGKILL'));
    }, graceMs);
    await this.exit;
    clearTimeout(grace);
  }

  /** Releases the program, once it is guarded and limited. */
  private async begin(): Promise<void> {
    // The system may reuse the pid.
    if (this.hasExited) return;
    const { stdout } = this.child;
    const readOutputBytes = (): number => (stdout instanceof Socket ? stdout.bytesRead : 0);
    try {
      await this.options.limits?.apply(this.pid, readOutputBytes);
      this.guarded = true;
      this.child.stdin.uncork();
    } catch (error) {
      this.options.warn(`failed to limit a process, which is not started: ${describeFileError(error)}`);
      this.signal('SIGKILL');
    }
  }

  private async end(): Promise<SandboxExit> {
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
      this.child.once('exit', (...ending) => resolve(ending));
      this.child.on('error', (error) => this.options.warn(error.message));
    });
    await this.killLeftovers();
    await this.drainStderr();
    await this.options.limits?.release();
    this.options.reaper.remove(this.pid);
    const stderr = decodeTail(this.stderr);
    const { stdout } = this.child;
    const hasWritten = stdout instanceof Socket && stdout.bytesRead > 0;
    const notStarted = hasWritten ? undefined : await toExecFailure(code, this.options.program);
    return { code, signal, stderr, notStarted };
  }

  private async killLeftovers(): Promise<void> {
    try {
      const survivors = await killTree(this.pid, this.options.marker, this.treeIds);
      if (survivors > 0) this.options.warn(`failed to kill ${String(survivors)} process(es)`);
    } catch (error) {
      this.options.warn(`failed to list the leftovers of a process: ${describeFileError(error)}`);
    }
  }

  private async drainStderr(): Promise<void> {
    const end = finished(this.child.stderr).catch(() => undefined); // Closed is closed, however.
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, STDERR_WAIT_MS);
    });
    await Promise.race([end, limit]);
    clearTimeout(timer);
    this.child.stderr.destroy();
  }

  private async refreshTree(): Promise<void> {
    try {
      const found = await listTreeIds(this.pid, this.options.marker);
      this.treeIds = new Set([...this.treeIds, ...found]);
    } catch (error) {
      this.options.warn(`failed to list the descendants of a process: ${describeFileError(error)}`);
    }
  }

  private signal(signal: NodeJS.Signals): void {
    // After its exit, the system may reuse the pid.
    if (this.hasExited) return;
    signalProcess(-this.pid, signal);
    if (signal === 'SIGKILL') signalProcess(this.pid, signal);
  }
}
