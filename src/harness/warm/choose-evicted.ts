/** An agent process that waits for its thread's next turn. */
export interface IdleProcess {
  readonly threadId: string;
  readonly idleMs: number;
  /** How many turns it has run; 0 for one that was started ahead of its thread's next turn. */
  readonly turns: number;
  /** Whether its agent waits for results of its caller's tools. */
  readonly waits: boolean;
  /** Memory that is free once it ends. */
  readonly bytes: number;
}

/** What all idle processes together may take. */
export interface IdleLimits {
  readonly processes: number;
  readonly bytes: number;
}

/**
 * The threads whose idle processes end, so that the others stay within the limits. Those least likely to be needed go first: a thread that
 * has had many turns will sooner have another, and a caller whose tools an agent waits for is still there.
 */
export function chooseEvicted(idle: readonly IdleProcess[], limits: IdleLimits): readonly string[] {
  const evicted: string[] = [];
  let processes = idle.length;
  let bytes = idle.reduce((sum, each) => sum + each.bytes, 0);
  for (const each of idle.toSorted(compareNeed)) {
    const isAboveBytes = bytes > limits.bytes;
    if (processes <= limits.processes && !isAboveBytes) break;
    // What takes no memory of its own frees none.
    if (processes <= limits.processes && each.bytes === 0) continue;
    evicted.push(each.threadId);
    processes -= 1;
    bytes -= each.bytes;
  }
  return evicted;
}

/** Sorts the least likely to be needed first. */
function compareNeed(one: IdleProcess, other: IdleProcess): number {
  if (one.waits !== other.waits) return one.waits ? 1 : -1;
  return weigh(other) - weigh(one);
}

function weigh({ idleMs, turns }: IdleProcess): number {
  return idleMs / (turns + 1);
}
