import type { KernelLimits } from './process-limits.js';

/** What this machine has to limit processes with. */
export interface LimitMeans {
  /** Whether control groups limit memory. */
  readonly memory: boolean;
  /** Whether control groups limit processes. */
  readonly pids: boolean;
  /** Whether `prlimit` is installed. */
  readonly prlimit: boolean;
  /** Whether the sandbox itself limits processes: those of a namespace, or of a thread's own user. */
  readonly countsProcesses: boolean;
  /** Why there are no control groups; `undefined` if there are. */
  readonly problem: string | undefined;
}

/** Says which means hold each configured limit, or that none does: one sentence each; nothing for limits that are off. */
export function describeKernelLimits(limits: KernelLimits, means: LimitMeans): readonly string[] {
  const why = means.problem ?? 'the controller is not available';
  const byCgroup = (name: string, setting: string, isHeld: boolean): string =>
    isHeld ? `${name} is limited by control groups` : `nothing limits ${name} (${setting}): ${why}`;
  return [
    ...(limits.memoryBytes > 0 ? [byCgroup('memory', 'CHIRON_THREAD_MEMORY_MB', means.memory)] : []),
    ...(limits.processes > 0
      ? [
          !means.pids && means.countsProcesses
            ? 'the number of processes is limited by prlimit'
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
