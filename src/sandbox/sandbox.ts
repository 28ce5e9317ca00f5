import type { Observable } from 'rxjs';
import type { SpawnFailure } from './process/spawn-failure.js';
import type { ThreadFiles } from './files/thread-files.js';

/** Settings of a sandbox, whatever its kind. */
export interface SandboxOptions {
  /** One of those in kinds.ts; the local one by default. */
  readonly kind?: string;
  /** The server's folder, below which the threads' folders are. */
  readonly dataDirectory: string;
  /** Copied into the workspace of each new thread. */
  readonly workspaceTemplate: string | undefined;
  /** Copied into the home of each new thread. */
  readonly homeTemplate: string | undefined;
}

/** Injection token of {@link SandboxOptions}. */
export const SandboxOptions = Symbol('SandboxOptions');

/** The folders of one thread. Absolute paths, the same inside the sandbox as outside; they exist once {@link Sandbox.prepare} has resolved. */
export interface SandboxFolders {
  /** The agent's working directory. */
  readonly workspace: string;
  /** `HOME` of the agent. */
  readonly home: string;
  /** What the server writes for the agent: instructions, uploads. The agent only reads it. */
  readonly server: string;
}

/** A program to start in a thread's sandbox. */
export interface SandboxCommand {
  readonly threadId: string;
  readonly folders: SandboxFolders;
  /** The program: an absolute path, or a name on the server's `PATH`. */
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the sandbox's own few variables (`PATH`, `HOME`, `LANG` …). Nothing else of the server's environment gets in. */
  readonly env: Readonly<Record<string, string>>;
}

/** How a process in the sandbox ended. */
export interface SandboxExit {
  /** Exit status, or `null` when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines of its standard error, at most 4 KiB, for the log; it may quote the user, so it is never sent to a caller. */
  readonly stderr: string;
  /** Why the program could not be started; `undefined` for one that ran. */
  readonly notStarted?: SpawnFailure | undefined;
}

/** A running program in a thread's sandbox. */
export interface SandboxProcess {
  /**
   * The lines of its standard output, without line ends, in chunks as they were read (one array per read, so that a burst
   * costs one emission). Hot and buffered until the first subscription; completes when the output closes; never errors.
   */
  readonly lines$: Observable<readonly string[]>;
  /** Settles when the process is gone, and everything that it started with it. Never rejects. */
  readonly exit: Promise<SandboxExit>;
  /** Writes one line to its standard input; a line end is added. Ignored when the process is gone. */
  writeLine(line: string): void;
  /** Asks it to end (input closed, SIGTERM), and kills it and all its descendants after `graceMilliseconds`. Resolves when they are gone. */
  stop(graceMs: number): Promise<void>;
}

/** What came of a program that was run to its end. */
export type ProgramRun =
  | { readonly kind: 'done'; readonly output: string }
  /** There is no such program in this sandbox. */
  | { readonly kind: 'missing' }
  /** It could not be started, failed, or did not end in time; `problem` ends a sentence that begins with its name. */
  | { readonly kind: 'failed'; readonly problem: string };

/** Where the processes of threads run. One implementation per kind of isolation; each passes sandbox.contract.spec.ts. */
export interface Sandbox {
  /** Whether its programs run as root, which Claude Code must be told. */
  readonly runsAsRoot: boolean;
  /** The thread's folders, without touching the disk. */
  folders(threadId: string): SandboxFolders;
  /** The server's way to the thread's files: `workspace/…`, `home/…` and `server/…` are the folders above. */
  files(threadId: string): ThreadFiles;
  /**
   * The text of a file as the deployment's templates have it, by the path that it gets in each thread; `undefined` where they have none.
   * What a thread has by now may be its agent's work.
   */
  templateText(path: string): Promise<string | undefined>;
  /**
   * Makes the thread's folders, from the templates when they are new, and puts right what an agent did to them. Safe to call again.
   *
   * @param homeFolders names of folders that the home has to have, as the agents keep their settings and conversations there.
   */
  prepare(threadId: string, homeFolders?: readonly string[]): Promise<SandboxFolders>;
  /** Starts a program. Never throws for one that cannot be started: its `exit` says why. */
  spawn(command: SandboxCommand): SandboxProcess;
  /**
   * Runs a program where those of threads run, but for no thread: to find out whether it is there, and which version. It is killed
   * after `timeoutMs`. Never rejects.
   */
  run(command: string, args: readonly string[], timeoutMs: number): Promise<ProgramRun>;
  /** What this host lacks for this kind of sandbox, in sentences for the log. */
  warnings(): Promise<readonly string[]>;
  /** Removes the thread's folders. Its processes must be stopped before. */
  remove(threadId: string): Promise<void>;
  /** Stops every process that is left. */
  close(): Promise<void>;
}

/** Injection token of the deployment's sandbox. */
export const Sandbox = Symbol('Sandbox');
