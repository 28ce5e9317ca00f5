/** Limits of a turn; 0 for none. */
export interface TurnLimits {
  readonly outputBytes: number;
  readonly cpuMs: number;
  readonly diskBytes: number;
}

/** What a turn has used. */
export interface TurnUsage {
  readonly outputBytes: number;
  readonly cpuMs: number;
  /** What the thread's files take now and took when the turn started; absent when it was not measured. */
  readonly disk?: { readonly bytes: number; readonly bytesAtStart: number };
}

/** How much a thread that is above its limit may grow in a turn, as a part of the limit: an agent that cleans up keeps a record of it. */
const TOLERANCE = 0.1;

/** Says which limit a turn has exceeded, in a sentence for the caller; `undefined` for none. */
export function findBreach(used: TurnUsage, limits: TurnLimits): string | undefined {
  if (isAbove(used.outputBytes, limits.outputBytes)) {
    return stopped(`it wrote more than ${toMegabytes(limits.outputBytes)} of output`, 'CHIRON_TURN_OUTPUT_MB');
  }
  if (isAbove(used.cpuMs, limits.cpuMs)) {
    return stopped(`it used more than ${limits.cpuMs / 1000} s of processor time`, 'CHIRON_TURN_CPU_SECONDS');
  }
  if (used.disk !== undefined && isAbove(used.disk.bytes, computeDiskLimit(used.disk.bytesAtStart, limits.diskBytes))) {
    return stopped(`its files take more than ${toMegabytes(limits.diskBytes)} on the disk`, 'CHIRON_THREAD_DISK_MB');
  }
  return undefined;
}

/** How many bytes a thread's files may take in a turn; 0 for no limit. A thread above its limit may still clean up, but not grow. */
export function computeDiskLimit(bytesAtStart: number, limitBytes: number): number {
  return bytesAtStart > limitBytes ? bytesAtStart + limitBytes * TOLERANCE : limitBytes;
}

/** What a turn is told whose agent the system ended for its memory. */
export function describeMemoryBreach(limitBytes: number): string {
  return stopped(`it used more than ${toMegabytes(limitBytes)} of memory`, 'CHIRON_THREAD_MEMORY_MB');
}

function isAbove(used: number, limit: number): boolean {
  return limit > 0 && used > limit;
}

function stopped(reason: string, setting: string): string {
  return `The agent was stopped: ${reason} (${setting}).`;
}

function toMegabytes(bytes: number): string {
  return `${bytes / 1_000_000} MB`;
}
