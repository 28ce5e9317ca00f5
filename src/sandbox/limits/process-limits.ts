/** What the kernel holds an agent's process to; 0 for no limit. */
export interface KernelLimits {
  /** Memory of the process with everything that it starts. */
  readonly memoryBytes: number;
  /** Processes and threads at once. */
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
  /** Called once, after everything that was started has ended. Never rejects. */
  release(): Promise<void>;
}
