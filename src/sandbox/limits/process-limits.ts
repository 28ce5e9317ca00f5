/** What the kernel holds the processes of a thread to; 0 for no limit. */
export interface KernelLimits {
  /** Memory of all of them together. */
  readonly memoryBytes: number;
  /** Processes and threads of the system at once, all of them together. */
  readonly processes: number;
  /** Open files of each process. */
  readonly openFiles: number;
}

/** The limits of one process start, and the count of what it uses. */
export interface ProcessLimits {
  /** To be put before the program and its arguments; empty for nothing. */
  readonly commandPrefix: readonly string[];
  /**
   * Called with the pid before the program begins. Rejects when a limit cannot be set; the program must not begin then.
   *
   * @param readOutputBytes bytes of standard output that were read so far
   */
  apply(pid: number, readOutputBytes: () => number): Promise<void>;
  /** What the process has started and is still there, by the means of the limits; nothing where these do not tell. */
  members(): Promise<readonly number[]>;
  /** Called once, after everything that was started has ended. Never rejects. */
  release(): Promise<void>;
}
