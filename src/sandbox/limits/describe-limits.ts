import type { KernelLimits } from './process-limits.js';

/** What a sandbox itself counts processes by: the thread's own user, the namespace of each agent process, or not at all. */
export type ProcessCounting = 'thread' | 'agent process' | undefined;

/** What this machine has to limit processes with. */
export interface LimitMeans {
  /** Whether control groups limit memory. */
  readonly memory: boolean;
  /** Whether control groups limit processes. */
  readonly pids: boolean;
  /** Whether `prlimit` is installed. */
  readonly prlimit: boolean;
  readonly countsProcesses: ProcessCounting;
  /** Why there are no control groups; `undefined` if there are. */
  readonly problem: string | undefined;
}

/** Says which means hold each configured limit, or that none does: one sentence each; nothing for limits that are off. */
export function describeKernelLimits(limits: KernelLimits, means: LimitMeans): readonly string[] {
  const why = means.problem ?? 'the controller is not available';
  const byCgroup = (name: string, setting: string, isHeld: boolean): string =>
    isHeld ? `${name} is limited for each thread by control groups` : `nothing limits ${name} (${setting}): ${why}`;
  return [
    ...(limits.memoryBytes > 0 ? [byCgroup('memory', 'CHIRON_THREAD_MEMORY_MB', means.memory)] : []),
    ...(limits.processes > 0
      ? [
          !means.pids && means.countsProcesses !== undefined
            ? `the number of processes of each ${means.countsProcesses} is limited by prlimit (${why})`
            : byCgroup('the number of processes', 'CHIRON_THREAD_PROCESSES', means.pids),
        ]
      : []),
    ...(limits.openFiles > 0
      ? [
          means.prlimit
            ? 'open files are limited by prlimit'
            : 'nothing limits open files (CHIRON_THREAD_OPEN_FILES): prlimit (util-linux) is not installed',
        ]
      : []),
  ];
}
