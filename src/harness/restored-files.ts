import type { HarnessEvent } from '../domain/harness-event.js';
import type { SeedMessage } from '../domain/seed/seed-message.js';
import type { SnapshotExtent } from '../snapshots/thread-snapshots.js';
import type { HarnessTurn } from './harness.js';

/** What a thread's folders, which were fetched for a turn, have and lack. */
export interface RestoredFiles {
  readonly extent: SnapshotExtent;
  /** The conversation after what the agent's record has: it was not saved before its server was lost. */
  readonly missing: readonly SeedMessage[];
}

const NO_WORKSPACE =
  "This conversation goes on on another server. The files of its workspace were above that deployment's limit (CHIRON_SNAPSHOT_LIMIT_MB) and did not come with it: the workspace is a new one.";

/** Tells the agent of a turn what it does not find in its files. */
export function withEarlierTurns<Turn extends HarnessTurn>(turn: Turn, restored: RestoredFiles | undefined): Turn {
  if (restored === undefined) return turn;
  const { extent, missing } = restored;
  const seed = [...missing, ...(turn.seed ?? [])];
  const isTold = extent === 'all' || turn.prompt.length === 0;
  return {
    ...turn,
    ...(seed.length === 0 ? {} : { seed }),
    ...(isTold ? {} : { prompt: [{ type: 'text', text: `[${NO_WORKSPACE}]` }, ...turn.prompt] }),
  };
}

/** What tells the caller, at the beginning of the answer, that the workspace is not what it was; `undefined` if it is. */
export function noticeOfLostFiles(restored: RestoredFiles | undefined): readonly HarnessEvent[] | undefined {
  if (restored === undefined || restored.extent === 'all') return undefined;
  const id = 'chiron-workspace';
  return [
    { type: 'text-delta', id, text: `[${NO_WORKSPACE}]` },
    { type: 'block-end', id },
  ];
}
