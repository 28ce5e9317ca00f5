import type { HarnessEvent } from '../../domain/harness-event.js';

/** Least time between two notices about the same tool. */
const PAUSE_MS = 10_000;

/** A tool that runs. Times are in milliseconds since the epoch. */
export interface RunningTool {
  readonly name: string;
  readonly since: number;
  /** Time of the last notice, or of the start. */
  readonly lastNoticeAt: number;
}

/** A notice that a tool runs, and what is known of it after that; `undefined` when the last one is too young. */
export function progressNotice(tool: RunningTool, now: number): readonly [RunningTool, HarnessEvent] | undefined {
  if (now - tool.lastNoticeAt < PAUSE_MS) return undefined;
  const seconds = Math.round((now - tool.since) / 1000);
  const message = `${tool.name} has been running for ${seconds} s`;
  return [
    { ...tool, lastNoticeAt: now },
    { type: 'notice', kind: 'progress', message },
  ];
}
