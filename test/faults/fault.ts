import type { Finding } from './judge.js';
import type { RealAgents } from './agent-settings.js';
import { Lane } from './lane.js';

/** What a named fault works with. */
export interface Surroundings {
  readonly agents: RealAgents;
  /** Keeps a line for the case that it fails. */
  readonly note: (text: string) => void;
}

/** A fault at a point that has a name. */
export interface NamedFault {
  readonly title: string;
  /** Gives what is wrong. Rejects with {@link Skip} where it cannot be tried. */
  readonly run: (surroundings: Surroundings) => Promise<readonly Finding[]>;
}

/** This machine cannot make the fault; the message says why. */
export class Skip extends Error {}

/** Uses a lane, and takes it down in any case; what it leaves behind are findings, too. */
export async function withLane(
  lane: Lane,
  note: Surroundings['note'],
  use: (lane: Lane) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  let findings: readonly Finding[] = [];
  try {
    findings = await use(lane);
  } finally {
    note(lane.takeOutput());
    const { left, problem } = await lane.close();
    if (left > 0) findings = [...findings, { count: 'processes left behind', text: `${left} processes` }];
    if (problem !== undefined) findings = [...findings, { count: 'stores that do not open', text: problem }];
  }
  return findings;
}

/** A finding unless the condition holds. */
export function expected(holds: boolean, text: string): readonly Finding[] {
  return holds ? [] : [{ count: 'other faults', text }];
}
