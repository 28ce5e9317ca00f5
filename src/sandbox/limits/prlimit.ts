/** Limits that `prlimit` can set; 0 for none. */
export interface ResourceLimits {
  /** Open files of each process. */
  readonly openFiles: number;
  /** Processes of the user. Only for a user of the thread's own: the system counts all processes of a user, and none of root. */
  readonly processes?: number;
}

/**
 * What to put before a program and its arguments so that it runs within limits, which it cannot raise (prlimit(1), util-linux).
 * Empty without a limit.
 *
 * @param prlimit absolute path of the program
 */
export function toPrlimitPrefix(prlimit: string, { openFiles, processes = 0 }: ResourceLimits): readonly string[] {
  const args = [
    ...(openFiles > 0 ? [`--nofile=${String(openFiles)}:${String(openFiles)}`] : []),
    ...(processes > 0 ? [`--nproc=${String(processes)}:${String(processes)}`] : []),
  ];
  return args.length === 0 ? [] : [prlimit, ...args];
}
