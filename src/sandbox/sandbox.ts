import type { Observable } from 'rxjs';
import type { SpawnFailure } from './process/spawn-failure.js';
import type { ThreadFiles } from './files/thread-files.js';
import type { TreeWriter } from './tree/tree-writer.js';
import type { KernelLimits } from './limits/process-limits.js';

/** Settings of a sandbox, whatever its kind. */
export interface SandboxOptions {
  /** A name from kinds.ts, or `auto` for the strongest kind that works here; `local` by default. */
  readonly kind?: string;
  /** The server's data folder, which contains the threads' folders unless they are shared. */
  readonly dataDirectory: string;
  /** A folder that several servers have, for the threads' folders; absent for the data folder. */
  readonly sharedDirectory?: string | undefined;
  /**
   * Whether folders are ready for the next new thread, once there was one. Not in a folder that servers share: those of a server that has stopped would
   * stay for a day.
   */
  readonly makesFoldersAhead?: boolean;
  /** Copied into the workspace of each new thread. */
  readonly workspaceTemplate: string | undefined;
  /** A folder of templates, by whose names a workspace may be made from another one; absent for none. */
  readonly workspaceTemplates?: string | undefined;
  /** Copied into the home of each new thread. */
  readonly homeTemplate: string | undefined;
  /** Further files and folders that the programs see. */
  readonly mounts?: readonly SandboxMount[];
  /** What the kernel holds each process to; absent for no limits. */
  readonly limits?: KernelLimits;
  /** The user ids for threads, for a server that runs as root. */
  readonly userIds?: UserIdRange;
}

/** A file or folder of the machine that the programs of all threads see. */
export interface SandboxMount {
  /** Absolute path on the machine. */
  readonly source: string;
  /** Absolute path inside. */
  readonly target: string;
  readonly isWritable: boolean;
}

/** User ids, both ends included. */
export interface UserIdRange {
  readonly first: number;
  readonly last: number;
}

/** Injection token of {@link SandboxOptions}. */
export const SandboxOptions = Symbol('SandboxOptions');

/**
 * The folders of one thread, as its programs name them: absolute paths inside the sandbox, which may be other folders outside. The server
 * reads and writes in them by {@link Sandbox.files} only. They exist once {@link Sandbox.prepare} has resolved.
 */
export interface SandboxFolders {
  /** The agent's working directory. */
  readonly workspace: string;
  /** `HOME` of the agent. */
  readonly home: string;
  /** Files that the server writes for the agent: instructions, uploads. The agent only reads them. */
  readonly server: string;
}

/** A program to start in a thread's sandbox. */
export interface SandboxCommand {
  /** A thread that has been prepared. The program begins in its workspace. */
  readonly threadId: string;
  /** The program: an absolute path, or a name on the server's `PATH`. */
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the sandbox's own variables (`PATH`, `HOME`, `LANG` …). The process inherits nothing else from the server. */
  readonly env: Readonly<Record<string, string>>;
}

/** How a process in the sandbox ended. */
export interface SandboxExit {
  /** Exit status, or `null` when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of its standard error, at most 4 KiB, for the log. It may quote the user, so never send it to a caller. */
  readonly stderr: string;
  /** Why the program could not be started; `undefined` for one that ran. */
  readonly notStarted?: SpawnFailure | undefined;
}

/** Where the broker listens for the programs of one thread. */
export interface BrokerSocket {
  /** On the machine; nothing is there yet. */
  readonly path: string;
  /** The user id that its programs have on the machine; `undefined` for the server's. */
  readonly owner: number | undefined;
  /** How its programs reach it, without a slash at its end. */
  readonly url: string;
}

/** What the processes of a thread have used since the server started; the numbers only grow. */
export interface ThreadUsage {
  /** Bytes of standard output that the server has read. */
  readonly outputBytes: number;
  /** Processor time of the processes and everything that they started, in milliseconds. */
  readonly cpuMs: number;
  /** How often the system ended a process because the memory limit was reached. */
  readonly memoryKills: number;
}

/** A running program in a thread's sandbox. */
export interface SandboxProcess {
  /**
   * The lines of its standard output, without line ends, in chunks as they were read (one array per read, so that a burst
   * costs one emission). Hot and buffered until the first subscription; completes when the output closes; never errors.
   */
  readonly lines$: Observable<readonly string[]>;
  /** Resolves when the process and all its descendants have exited. Never rejects. */
  readonly exit: Promise<SandboxExit>;
  /** Writes one line to its standard input; adds the line end. No-op after the process has exited. */
  writeLine(line: string): void;
  /**
   * Closes its input, and waits: most agents then end by themselves, with their records whole. Sends SIGTERM after a third of `graceMs`, but at
   * most a second, and kills it with all descendants after `graceMs`; with 0 it is killed at once, before it can notice anything. Resolves
   * when they have exited.
   */
  stop(graceMs: number): Promise<void>;
}

/** Result of a program that ran to its end. */
export type ProgramRun =
  | { readonly kind: 'done'; readonly output: string }
  /** The sandbox has no such program. */
  | { readonly kind: 'missing' }
  /** It did not start, failed, or timed out; `problem` completes a sentence that starts with its name. */
  | { readonly kind: 'failed'; readonly problem: string };

/** Where the processes of threads run. One implementation per kind of isolation; each passes sandbox.contract.spec.ts. */
export interface Sandbox {
  /** Whether its programs are kept from the server's files, secrets and processes, and from those of other threads. */
  readonly isolates: boolean;
  /** What holds, for the start-up summary: the kind, and as whom programs run. */
  readonly description: string;
  /** Whether its programs run as root; Claude Code needs `IS_SANDBOX` then. */
  readonly runsAsRoot: boolean;
  /** The thread's folders, without touching the disk. */
  folders(threadId: string): SandboxFolders;
  /** Safe access to the thread's files: `workspace/…`, `home/…` and `server/…`, as in {@link SandboxFolders}. */
  files(threadId: string): ThreadFiles;
  /**
   * Reads a file of the deployment's templates by its path in a thread; `undefined` if there is none. Use it for settings that must be
   * the deployment's: the agent may have changed the thread's copy.
   *
   * @param workspaceTemplate the name of the workspace's template; the deployment's own by default
   */
  templateText(path: string, workspaceTemplate?: string): Promise<string | undefined>;
  /**
   * Creates the thread's folders from the templates, or repairs existing ones that the agent damaged. Idempotent.
   *
   * @param homeFolders names of folders to create in the home, where agents keep their settings and conversations.
   * @param workspaceTemplate the name of the template for a new workspace; the deployment's own by default
   * @throws MissingTemplateError if a new thread needs a template that is not there
   */
  prepare(threadId: string, homeFolders?: readonly string[], workspaceTemplate?: string): Promise<SandboxFolders>;
  /**
   * Writes files of the deployment into the home of a prepared thread. A kind that isolates also keeps the programs that start after this from
   * changing, removing and replacing them, and the folders that they are in.
   *
   * @param files texts by their paths in the home, such as `.codex/config.toml`
   */
  deploy(threadId: string, files: Readonly<Record<string, string>>): Promise<void>;
  /**
   * Copies the thread's folders for another thread, which has none yet. They are in place once `accept` has resolved; what it rejects
   * with ends the call, and nothing is left. The processes of both must be stopped before.
   */
  copy(threadId: string, toThreadId: string, accept: () => Promise<void>): Promise<void>;
  /**
   * Puts new folders, with what `fill` writes, in the place of the thread's, which may have none. They are in place once this resolves; what `fill`
   * rejects with ends the call, and the thread is as it was. Its processes must be stopped before.
   */
  replace(threadId: string, fill: (tree: TreeWriter) => Promise<void>): Promise<void>;
  /**
   * Makes the place of the socket by which the programs of a prepared thread, those that start after this, reach the broker. `undefined` for a kind
   * whose programs reach a port of the machine.
   */
  openSocket(threadId: string): Promise<BrokerSocket | undefined>;
  /** Lets the programs that start after this connect to a port of the machine, where {@link openSocket} has none. */
  allowPort(port: number): void;
  /** Removes that place. */
  closeSocket(threadId: string): Promise<void>;
  /** Starts a program. Never throws if it cannot start: `exit` has the reason. */
  spawn(command: SandboxCommand): SandboxProcess;
  /**
   * Runs a program outside any thread, to probe whether it is installed and which version. Kills it after `timeoutMs`. Never rejects.
   */
  run(command: string, args: readonly string[], timeoutMs: number): Promise<ProgramRun>;
  /**
   * What the thread's processes have used. Never rejects.
   *
   * @param measureCpu false: without a new look at the processor time, which may have to read the whole process table
   */
  usage(threadId: string, measureCpu: boolean): Promise<ThreadUsage>;
  /**
   * Bytes of memory that become free when the running processes of each thread end, by thread id, without those that have no process. Rejects
   * where the system does not list processes.
   */
  memoryBytes(threadIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /**
   * Bytes that the thread's folders take on the disk; 0 if there are none. Follows no link. Expensive: looks at every file, but stops
   * once it has counted more than `enoughBytes`, and then resolves to what it has counted.
   */
  diskBytes(threadId: string, enoughBytes?: number): Promise<number>;
  /** The ids of all threads with folders. */
  threadIds(): Promise<readonly string[]>;
  /** Which means hold each configured limit of {@link SandboxOptions}, or that none does; for the start-up summary. */
  describeLimits(): readonly string[];
  /** Log messages about what this host lacks for this kind of sandbox. */
  warnings(): Promise<readonly string[]>;
  /** Removes the thread's folders. Its processes must be stopped before. */
  remove(threadId: string): Promise<void>;
  /**
   * Kills all running processes unless this is called again within so many seconds, also while the server is suspended. The first call begins
   * that. For a server that others replace when they do not hear of it.
   */
  expectLife(seconds: number): void;
  /** Kills all running processes at once, without closing the sandbox. Resolves when they have exited. */
  kill(): Promise<void>;
  /** Stops all running processes. */
  close(): Promise<void>;
}

/** Injection token of the deployment's sandbox. */
export const Sandbox = Symbol('Sandbox');
