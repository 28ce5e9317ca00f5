// A little over 250 lines: the whole port, as all kinds of sandbox on this machine share it.
import { randomUUID } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { computeArgumentRoom, measureArguments, shortenVariables } from '../process/argument-limits.js';
import { putFile } from '../deployed/deployed-files.js';
import { findProgram } from '../process/find-program.js';
import { LeftoverSweeper } from '../files/leftover-sweeper.js';
import { type HostLaunch, startProcess, toFailedProcess } from './host.process.js';
import { Reaper } from './reaper.js';
import type {
  BrokerSocket,
  ProgramRun,
  Sandbox,
  SandboxCommand,
  SandboxFolders,
  SandboxOptions,
  SandboxProcess,
  ThreadUsage,
} from '../sandbox.js';
import { killUser, readOwner } from './become-user.js';
import { UserClaims } from './user-claims.js';
import { findHostWarnings } from './host-warnings.js';
import { runLaunch, runProgram } from './run-program.js';
import { describeFileError } from '../errors.js';
import { explainNotFound } from '../process/spawn-failure.js';
import { findWorkspaceTemplate, readTemplate } from '../files/template.js';
import { ThreadFiles } from '../files/thread-files.js';
import { ThreadFolderStore } from '../files/thread-folders.js';
import { type ThreadFolders, toThreadFolders, toThreadsParent } from '../files/thread-paths.js';
import { measureDisk } from '../limits/disk-usage.js';
import type { ProcessCounting } from '../limits/describe-limits.js';
import { ThreadLimits } from '../limits/thread-limits.js';
import type { ThreadUsers } from '../files/thread-users.js';
import type { TreeWriter } from '../tree/tree-writer.js';

const CLOSE_GRACE_MS = 5000;

/** A program of a thread that is to be started, with what the sandbox itself adds. */
export interface LaunchRequest {
  /** Absolute path on the machine. */
  readonly program: string;
  readonly args: readonly string[];
  /** Folders of the thread on the machine. */
  readonly outside: ThreadFolders;
  /** The thread's user id; `undefined` for the server's own. */
  readonly userId: number | undefined;
  /** The command's variables, and those that mark its processes as this server's. */
  readonly added: Readonly<Record<string, string>>;
  readonly markers: Readonly<Record<string, string>>;
  readonly threadId: string;
}

/**
 * A sandbox whose programs are processes of this machine: what all such kinds share. No process outlives the server, however the server ends; see
 * {@link Reaper}. A kind says how a program is started, and thereby how it is isolated.
 */
export abstract class HostSandbox implements Sandbox, OnApplicationBootstrap {
  abstract readonly isolates: boolean;
  abstract readonly description: string;
  abstract readonly runsAsRoot: boolean;
  /** Whether programs are ended by their thread's user: for a kind in which they can hide from their parents. */
  protected readonly endsByUser: boolean = false;
  /** How this kind limits the number of processes by itself. */
  protected abstract readonly countsProcesses: ProcessCounting;
  private readonly logger = new Logger(this.constructor.name);
  private readonly serverId = randomUUID();
  private readonly warn = (text: string): void => this.logger.warn(text);
  private readonly reaper = new Reaper(`CHIRON_SERVER=${this.serverId}`, this.warn);
  private readonly preparing = new Map<string, Promise<SandboxFolders>>();
  /** With the threads that they belong to. */
  private readonly running = new Map<SandboxProcess, string>();
  private readonly store: ThreadFolderStore;
  private readonly leftovers: LeftoverSweeper;
  private readonly limits: ThreadLimits;
  private closing: Promise<void> | undefined;
  private realThreadsParent: string | undefined;

  /** @param users gives each thread a user id; absent to run all programs as the server's user */
  constructor(
    protected readonly options: SandboxOptions,
    protected readonly users?: ThreadUsers,
  ) {
    users?.keepApart(new UserClaims(this.serverId, this.warn));
    this.store = new ThreadFolderStore(options, users);
    this.limits = new ThreadLimits(options.limits, this.warn);
    if (this.limits.root !== undefined) this.reaper.addCgroup(this.limits.root);
    this.leftovers = new LeftoverSweeper(() => this.store.sweep(), this.warn);
  }

  onApplicationBootstrap(): void {
    this.leftovers.start();
  }

  /** Says what to start for a program of a thread. */
  protected abstract launch(request: LaunchRequest): HostLaunch;

  folders(threadId: string): SandboxFolders {
    const { workspace, home, server } = this.outside(threadId);
    return { workspace, home, server };
  }

  /** The thread's folders on the machine. */
  protected outside(threadId: string): ThreadFolders {
    return toThreadFolders(this.threadsParent, threadId);
  }

  /** The folder with the folder of all threads as programs name it, without links. */
  private get threadsParent(): string {
    const parent = toThreadsParent(this.options);
    this.realThreadsParent ??= existsSync(parent) ? realpathSync(parent) : undefined;
    return this.realThreadsParent ?? parent;
  }

  files(threadId: string): ThreadFiles {
    return new ThreadFiles(this.outside(threadId).thread, this.options.sharedDirectory === undefined);
  }

  templateText(path: string, workspaceTemplate?: string): Promise<string | undefined> {
    const workspace = findWorkspaceTemplate(this.options, workspaceTemplate);
    return readTemplate({ workspace, home: this.options.homeTemplate }, path);
  }

  async prepare(
    threadId: string,
    homeFolders: readonly string[] = [],
    workspaceTemplate?: string,
  ): Promise<SandboxFolders> {
    const underway = this.preparing.get(threadId);
    if (underway !== undefined) return underway;
    const template = findWorkspaceTemplate(this.options, workspaceTemplate);
    const preparation = this.store.prepare(threadId, homeFolders, template).then(() => this.folders(threadId));
    this.preparing.set(threadId, preparation);
    try {
      return await preparation;
    } finally {
      this.preparing.delete(threadId);
    }
  }

  async deploy(threadId: string, files: Readonly<Record<string, string>>): Promise<void> {
    const thread = this.files(threadId);
    for (const [path, text] of Object.entries(files)) await putFile(thread, join('home', path), text);
  }

  async copy(threadId: string, toThreadId: string, accept: () => Promise<void>): Promise<void> {
    const tooDeep = await this.store.copy(threadId, toThreadId, accept);
    if (tooDeep > 0)
      this.logger.warn({ threadId, folders: tooDeep }, 'did not copy folders that are nested too deeply');
  }

  replace(threadId: string, fill: (tree: TreeWriter) => Promise<void>): Promise<void> {
    return this.store.replace(threadId, fill);
  }

  openSocket(_threadId: string): Promise<BrokerSocket | undefined> {
    return Promise.resolve(undefined);
  }

  allowPort(_port: number): void {
    // Nothing is closed.
  }

  closeSocket(_threadId: string): Promise<void> {
    return Promise.resolve();
  }

  spawn(command: SandboxCommand): SandboxProcess {
    if (this.closing !== undefined) return toFailedProcess({ reason: 'sandbox-closed', code: undefined });
    const program = findProgram(command.command, process.env['PATH']);
    if (program === undefined) return toFailedProcess(explainNotFound(command.command, process.env['PATH']));
    const processId = randomUUID();
    const outside = this.outside(command.threadId);
    const userId = this.users === undefined ? undefined : readOwner(outside.thread);
    const launch = this.launch({
      program,
      args: command.args,
      outside,
      userId,
      added: this.shortenedEnvironment(command),
      markers: { CHIRON_SERVER: this.serverId, CHIRON_PROCESS: processId },
      threadId: command.threadId,
    });
    const marker = `CHIRON_PROCESS=${processId}`;
    const limits = this.limits.forProcess(command.threadId, processId, marker);
    // What hides from everything else is still its user's.
    const endsUser = this.endsByUser && userId !== undefined && this.users?.has(userId) === true;
    if (endsUser) this.reaper.addUser(userId);
    const isLast = (): boolean => [...this.running.values()].every((id) => id !== command.threadId);
    const onGone = async (): Promise<void> => {
      this.running.delete(started);
      if (endsUser && isLast()) await killUser(userId);
    };
    const started = startProcess({ ...launch, marker, limits, onGone, reaper: this.reaper, warn: this.warn });
    this.running.set(started, command.threadId);
    void started.exit.then(() => this.running.delete(started));
    return started;
  }

  run(command: string, args: readonly string[], timeoutMs: number): Promise<ProgramRun> {
    const program = findProgram(command, process.env['PATH']);
    if (program === undefined) return Promise.resolve({ kind: 'missing' });
    return this.isolates ? this.runInScratch(program, args, timeoutMs) : runProgram(program, args, timeoutMs);
  }

  /** Runs a program as those of a thread are run, so that the result holds for them, in folders that are removed afterwards. Never rejects. */
  private async runInScratch(program: string, args: readonly string[], timeoutMs: number): Promise<ProgramRun> {
    try {
      return await this.store.withScratch((outside) => {
        const userId = this.users === undefined ? undefined : readOwner(outside.thread);
        const request = { program, args, outside, userId, added: {}, markers: {}, threadId: basename(outside.thread) };
        return runLaunch(this.launch(request), timeoutMs);
      });
    } catch (error) {
      return { kind: 'failed', problem: `has no folders to run in: ${describeFileError(error)}` };
    }
  }

  usage(threadId: string, measureCpu: boolean): Promise<ThreadUsage> {
    return this.limits.usage(threadId, measureCpu);
  }

  memoryBytes(threadIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return this.limits.memoryBytes(threadIds);
  }

  diskBytes(threadId: string, enoughBytes?: number): Promise<number> {
    return measureDisk(this.outside(threadId).thread, enoughBytes);
  }

  threadIds(): Promise<readonly string[]> {
    return this.store.threadIds();
  }

  describeLimits(): readonly string[] {
    return this.limits.describe(this.countsProcesses);
  }

  warnings(): Promise<readonly string[]> {
    return findHostWarnings();
  }

  /** The command's variables, shortened to the system limits. */
  private shortenedEnvironment({ threadId, args, env }: SandboxCommand): Readonly<Record<string, string>> {
    const { variables, shortened } = shortenVariables(env, computeArgumentRoom() - measureArguments(args));
    if (shortened.length > 0) {
      this.logger.warn({ threadId, variables: shortened }, 'shortened variables above the system limit');
    }
    return variables;
  }

  async remove(threadId: string): Promise<void> {
    // A failed preparation rejects for its own caller; its leftovers are removed here.
    await this.preparing.get(threadId)?.catch(() => undefined);
    const userId = readOwner(this.outside(threadId).thread);
    await this.store.remove(threadId);
    if (userId !== undefined) this.users?.release(userId);
    this.limits.forget(threadId);
  }

  expectLife(seconds: number): void {
    this.reaper.expectLife(seconds);
  }

  async kill(): Promise<void> {
    await Promise.all([...this.running.keys()].map((each) => each.stop(0)));
  }

  close(): Promise<void> {
    this.closing ??= this.stopAll();
    return this.closing;
  }

  private async stopAll(): Promise<void> {
    this.leftovers.stop();
    await Promise.all([...this.running.keys()].map((each) => each.stop(CLOSE_GRACE_MS)));
    await this.store.close().catch((error: unknown) => {
      this.logger.warn({ err: error }, 'could not remove folders for new threads; the next start removes them');
    });
    await this.reaper.close();
    this.limits.close();
    this.users?.close();
  }
}
