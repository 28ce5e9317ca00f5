import { setTimeout as delay } from 'node:timers/promises';
import { readErrorCode } from '../errors.js';
import { selectProcessTree, toIdentity, listProcesses } from './process-table.js';

/** How often the processes are looked for again before it is given up: with the pause between, a few seconds. */
const ROUNDS = 100;
const PAUSE_MS = 20;

/** Sends a signal to a process, or with a negative number to a group. One that is gone is no error. */
export function signalProcess(target: number, signal: NodeJS.Signals): void {
  // kill(2) takes these for "my own group", "the first process" and "everybody".
  if (Math.abs(target) <= 1) throw new RangeError(`${String(target)} is no program`);
  try {
    process.kill(target, signal);
  } catch (error) {
    // ESRCH: gone already. EPERM: macOS says so for a group of zombies; another user's process is not ours to end.
    if (!['ESRCH', 'EPERM'].includes(readErrorCode(error) ?? '')) throw error;
  }
}

/** The identities of everything that `leader` has started and that lives now; see {@link killTree}. */
export async function listTreeIds(leader: number, marker: string): Promise<ReadonlySet<string>> {
  return new Set(selectProcessTree(await listProcesses(marker), leader).map(toIdentity));
}

/**
 * Kills everything that `leader` started: its group, its session, what carries `marker`, what is in `known`, all
 * descendants of these, and what `listMembers` gives. Looks again until two looks in a row find nothing (a process that is just being replaced by
 * `exec` shows an empty environment for a moment). Resolves with the number of those that would not die; rejects when the
 * processes cannot be listed.
 */
export async function killTree(
  leader: number,
  marker: string,
  known: ReadonlySet<string>,
  listMembers: () => Promise<readonly number[]> = () => Promise.resolve([]),
): Promise<number> {
  let left = 0;
  let cleanLooks = 0;
  signalProcess(-leader, 'SIGKILL');
  for (let round = 0; round < ROUNDS && cleanLooks < 2; round += 1) {
    const found = selectProcessTree(await listProcesses(marker), leader, known).map(({ pid }) => pid);
    const members = new Set([...found, ...(await listMembers())]);
    members.delete(process.pid);
    left = members.size;
    cleanLooks = left === 0 ? cleanLooks + 1 : 0;
    for (const pid of members) signalProcess(pid, 'SIGKILL');
    if (left > 0) await delay(PAUSE_MS);
  }
  return left;
}
