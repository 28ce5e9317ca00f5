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

/** The longest time that a program has to end by itself, once its input is closed. */
const CLOSE_WAIT_MS = 1000;

/** How long to wait for the end of standard error after all processes have exited. */
const STDERR_WAIT_MS = 1000;

/**
 * Blocks the program until the reaper guards its pid, so that a killed server never leaves an unguarded program. `read` of a POSIX
 * shell consumes no byte after the line end of a pipe, so the program's input stays intact, and `exec` keeps the pid. If the server
 * dies before it writes the line, the input closes and the shell exits.
 */
const GATE = 'read -r CHIRON_GATE || exit 125; unset CHIRON_GATE; exec "$0" "$@"';

/** What is started on the machine for a program of a thread: the program itself, or one that isolates it. */
export interface HostLaunch {
  /** Absolute path of the program that the machine starts. */
  readonly program: string;
  readonly args: readonly string[];
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute path of the thread's program, if it is not the one that the machine starts. */
  readonly target?: string;
  /** Finds the process group that SIGTERM goes to; absent for the group of the started process. */
  readonly findGroup?: (pid: number) => Promise<number | undefined>;
  /** What the end of the started process says about the thread's program; absent if it is that program's own end. */
  readonly toExit?: (exit: SandboxExit, hasWritten: boolean) => SandboxExit;
  /** Finds in the standard error why the program could not be isolated. The text completes a sentence that begins with its name. */
  readonly explain?: (stderr: string) => string | undefined;
}

/** Options of a process of this machine. */
export interface HostProcessOptions extends HostLaunch {
  /** `NAME=value`, part of `environment` and of no other process's. */
  readonly marker: string;
  readonly reaper: Reaper;
  /** Called once it and its known descendants are gone, before its exit is reported. */
  readonly onGone?: () => Promise<void>;
  /** Limits and counts what the process uses; absent for neither. */
  readonly limits?: ProcessLimits;
  /** Logs a warning; never receives output of the process. */
  readonly warn: (text: string) => void;
}

/** Starts a program. Never throws: if it cannot start, `exit` has the reason. */
export function startProcess(options: HostProcessOptions): SandboxProcess {
  try {
    const command = [...(options.limits?.commandPrefix ?? []), options.program, ...options.args];
    const child = spawn('/bin/sh', ['-c', GATE, ...command], {
      cwd: options.workingDirectory,
      env: { ...options.environment },
      // Its own group, so that it can be signalled with all that stays in it.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    return child.pid === undefined ? notStartedProcess(failure(child)) : new HostProcess(child, child.pid, options);
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
class HostProcess implements SandboxProcess {
  readonly lines$: Observable<readonly string[]>;
  readonly exit: Promise<SandboxExit>;
  private guarded = false;
  private stderr: Buffer = Buffer.alloc(0);
  private treeIds: ReadonlySet<string> = new Set();

  constructor(
    private readonly child: ChildProcessWithoutNullStreams,
    private readonly pid: number,
    private readonly options: HostProcessOptions,
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
    // Without grace its input stays open until it is killed: an agent that notices the end would still write to its record.
    const timers =
      graceMs === 0
        ? []
        : [
            setTimeout(() => void this.terminate(), Math.min(graceMs / 3, CLOSE_WAIT_MS)),
            setTimeout(() => void this.refreshTree().then(() => this.kill()), graceMs),
          ];
    // Ending a corked stream would flush it and release the program before it is guarded.
    if (!this.guarded) this.child.stdin.destroy();
    else if (graceMs > 0) this.child.stdin.end();
    if (!this.hasExited) {
      // Collect descendants while the process lives: after its death they are reparented and cannot be found by parent.
      await this.refreshTree();
      if (graceMs === 0) this.kill();
    }
    await this.exit;
    timers.forEach(clearTimeout);
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
      this.kill();
    }
  }

  private async end(): Promise<SandboxExit> {
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
      this.child.once('exit', (...ending) => resolve(ending));
      this.child.on('error', (error) => this.options.warn(error.message));
    });
    await this.killLeftovers();
    await this.cleanUp();
    await this.drainStderr();
    await this.options.limits?.release();
    this.options.reaper.remove(this.pid);
    const stderr = decodeTail(this.stderr);
    const { stdout } = this.child;
    const hasWritten = stdout instanceof Socket && stdout.bytesRead > 0;
    const notStarted = hasWritten ? undefined : await toExecFailure(code, this.options.target ?? this.options.program);
    const exit = { code, signal, stderr, notStarted };
    return this.options.toExit?.(exit, hasWritten) ?? exit;
  }

  private async cleanUp(): Promise<void> {
    try {
      await this.options.onGone?.();
    } catch (error) {
      this.options.warn(`failed to clean up after a process: ${describeFileError(error)}`);
    }
  }

  private async killLeftovers(): Promise<void> {
    try {
      const { marker, limits } = this.options;
      const survivors = await killTree(this.pid, marker, this.treeIds, limits && (() => limits.members()));
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

  private async terminate(): Promise<void> {
    await this.refreshTree();
    const { findGroup, warn } = this.options;
    try {
      const group = findGroup === undefined ? this.pid : await findGroup(this.pid);
      // After its exit, the system may reuse the pid.
      if (group !== undefined && !this.hasExited) signalProcess(-group, 'SIGTERM');
    } catch (error) {
      warn(`failed to find the processes of a sandbox: ${describeFileError(error)}`);
    }
  }

  private kill(): void {
    if (this.hasExited) return;
    signalProcess(-this.pid, 'SIGKILL');
    signalProcess(this.pid, 'SIGKILL');
  }
}
