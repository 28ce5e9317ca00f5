import { randomUUID } from 'node:crypto';
import { Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { computeArgumentRoom, measureArguments, shortenVariables } from '../process/argument-limits.js';
import { buildEnvironment } from '../environment.js';
import { findProgram } from '../process/find-program.js';
import { LeftoverSweeper } from '../files/leftover-sweeper.js';
import { toFailedProcess, startProcess } from './local.process.js';
import { measureDisk } from '../limits/disk-usage.js';
import { Reaper } from './reaper.js';
import type {
  ProgramRun,
  Sandbox,
  SandboxCommand,
  SandboxFolders,
  SandboxOptions,
  SandboxProcess,
  ThreadUsage,
} from '../sandbox.js';
import { ThreadLimits } from '../limits/thread-limits.js';
import { findHostWarnings } from './host-warnings.js';
import { runProgram } from './run-program.js';
import { explainNotFound } from '../process/spawn-failure.js';
import { readTemplate } from '../files/template.js';
import { ThreadFiles } from '../files/thread-files.js';
import { ThreadFolderStore, toThreadFolders } from '../files/thread-folders.js';

const CLOSE_GRACE_MS = 5000;

/**
 * Runs the threads' programs as processes of this machine and of the server's user: folders, environment and lifetime are
 * kept apart, rights are not. No process outlives the server, however the server ends; see {@link Reaper}.
 */
export class LocalSandbox implements Sandbox, OnApplicationBootstrap {
  /** The programs run as the server's own user. */
  readonly runsAsRoot = process.getuid?.() === 0;
  private readonly logger = new Logger(LocalSandbox.name);
  private readonly serverId = randomUUID();
  private readonly warn = (text: string): void => this.logger.warn(text);
  private readonly reaper = new Reaper(`CHIRON_SERVER=${this.serverId}`, this.warn);
  private readonly preparing = new Map<string, Promise<SandboxFolders>>();
  private readonly running = new Set<SandboxProcess>();
  private readonly store: ThreadFolderStore;
  private readonly leftovers: LeftoverSweeper;
  private readonly limits: ThreadLimits;
  private closing: Promise<void> | undefined;

  constructor(private readonly options: SandboxOptions) {
    this.store = new ThreadFolderStore(options);
    this.limits = new ThreadLimits(options.limits, this.warn);
    this.leftovers = new LeftoverSweeper(() => this.store.sweep(), this.warn);
  }

  onApplicationBootstrap(): void {
    this.leftovers.start();
  }

  folders(threadId: string): SandboxFolders {
    const { workspace, home, server } = toThreadFolders(this.options.dataDirectory, threadId);
    return { workspace, home, server };
  }

  files(threadId: string): ThreadFiles {
    return new ThreadFiles(toThreadFolders(this.options.dataDirectory, threadId).thread);
  }

  templateText(path: string): Promise<string | undefined> {
    return readTemplate({ workspace: this.options.workspaceTemplate, home: this.options.homeTemplate }, path);
  }

  async prepare(threadId: string, homeFolders: readonly string[] = []): Promise<SandboxFolders> {
    const underway = this.preparing.get(threadId);
    if (underway !== undefined) return underway;
    const preparation = this.store.prepare(threadId, homeFolders).then(() => this.folders(threadId));
    this.preparing.set(threadId, preparation);
    try {
      return await preparation;
    } finally {
      this.preparing.delete(threadId);
    }
  }

  async copy(threadId: string, toThreadId: string, accept: () => Promise<void>): Promise<void> {
    const tooDeep = await this.store.copy(threadId, toThreadId, accept);
    if (tooDeep > 0)
      this.logger.warn({ threadId, folders: tooDeep }, 'did not copy folders that are nested too deeply');
  }

  spawn(command: SandboxCommand): SandboxProcess {
    if (this.closing !== undefined) return toFailedProcess({ reason: 'sandbox-closed', code: undefined });
    const program = findProgram(command.command, process.env['PATH']);
    if (program === undefined) return toFailedProcess(explainNotFound(command.command, process.env['PATH']));
    const processId = randomUUID();
    const started = startProcess({
      program,
      args: command.args,
      workingDirectory: command.folders.workspace,
      environment: buildEnvironment({
        server: process.env,
        folders: command.folders,
        temporaryFolder: toThreadFolders(this.options.dataDirectory, command.threadId).temporary,
        added: this.shortenedEnvironment(command),
        markers: { CHIRON_SERVER: this.serverId, CHIRON_PROCESS: processId },
      }),
      marker: `CHIRON_PROCESS=${processId}`,
      reaper: this.reaper,
      limits: this.limits.forProcess(command.threadId, processId, `CHIRON_PROCESS=${processId}`),
      warn: this.warn,
    });
    this.running.add(started);
    void started.exit.then(() => this.running.delete(started));
    return started;
  }

  run(command: string, args: readonly string[], timeoutMs: number): Promise<ProgramRun> {
    return runProgram(command, args, timeoutMs);
  }

  usage(threadId: string, measureCpu: boolean): Promise<ThreadUsage> {
    return this.limits.usage(threadId, measureCpu);
  }

  diskBytes(threadId: string, enoughBytes?: number): Promise<number> {
    return measureDisk(toThreadFolders(this.options.dataDirectory, threadId).thread, enoughBytes);
  }

  threadIds(): Promise<readonly string[]> {
    return this.store.threadIds();
  }

  describeLimits(): readonly string[] {
    return this.limits.describe();
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
    await this.store.remove(threadId);
    this.limits.forget(threadId);
  }

  close(): Promise<void> {
    this.closing ??= this.stopAll();
    return this.closing;
  }

  private async stopAll(): Promise<void> {
    this.leftovers.stop();
    await Promise.all([...this.running].map((each) => each.stop(CLOSE_GRACE_MS)));
    await this.reaper.close();
    this.limits.close();
  }
}
