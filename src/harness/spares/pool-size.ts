/** What the size of a pool depends on. */
export interface PoolFacts {
  /** How many spare processes the deployment wants, or that it leaves it to the server. */
  readonly setting: number | 'auto';
  /** When new threads of this kind came lately, in milliseconds since the epoch, the oldest first. */
  readonly arrivals: readonly number[];
  /** Whether one is kept although no thread has come yet. */
  readonly isDefault: boolean;
  /** Bytes of memory that the server and its agents have. */
  readonly memoryBytes: number;
  readonly nowMs: number;
}

/** A spare Claude Code takes 160 MB, a Codex 135 MB; beside them a sandbox and some headroom. */
const SPARE_BYTES = 250_000_000;
/** How much of the memory may be taken by the spares of one kind. */
const MEMORY_SHARE = 0.05;
const MAX_AUTO = 8;

/** How long it takes to replace a spare on a machine that is busy: as many threads as come in this time find one. */
const REFILL_MS = 5_000;
/** For how long threads that came tell how many will come. */
const BURST_MEMORY_MS = 600_000;
/** How long one spare is kept for a kind of thread that comes now and then. */
export const ARRIVAL_MEMORY_MS = 3_600_000;

/** How many spares of a kind are kept. */
export function choosePoolSize({ setting, arrivals, isDefault, memoryBytes, nowMs }: PoolFacts): number {
  const hasCome = arrivals.some((at) => nowMs - at < ARRIVAL_MEMORY_MS);
  if (setting !== 'auto') return isDefault || hasCome ? setting : 0;
  const most = Math.min(MAX_AUTO, Math.floor((memoryBytes * MEMORY_SHARE) / SPARE_BYTES));
  const least = isDefault || hasCome ? 1 : 0;
  const recent = arrivals.filter((at) => nowMs - at < BURST_MEMORY_MS);
  return Math.min(most, Math.max(least, findLargestBurst(recent)));
}

/** The most arrivals within the time of a refill. */
function findLargestBurst(arrivals: readonly number[]): number {
  return arrivals.reduce((largest, at, index) => {
    const inWindow = arrivals.slice(index).filter((later) => later - at < REFILL_MS).length;
    return Math.max(largest, inWindow);
  }, 0);
}
