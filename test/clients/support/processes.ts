import { readdir, readFile } from 'node:fs/promises';
import { signalProcess } from '../../../src/sandbox/host/sweep.js';

/**
 * The pids of the processes of a server's threads, and of all that they started: those with a thread's folder in their environment or, as what isolates
 * them, in their command line, and everything below these. The oldest is the first: an agent comes before
 * what it runs for a moment. Linux only.
 */
export async function threadProcesses(dataDirectory: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const entries = (await Promise.all(pids.map((pid) => readEntry(pid, `${dataDirectory}/threads/`)))).flat();
  const found = new Set(entries.filter(({ isNamed }) => isNamed).map(({ pid }) => pid));
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const { pid, parent } of entries) if (found.has(parent)) found.add(pid);
  }
  return entries
    .filter(({ pid }) => found.has(pid))
    .toSorted((one, other) => one.started - other.started || one.pid - other.pid)
    .map(({ pid }) => pid);
}

/** Kills the processes of a server's threads and all that they started. One that ends by itself meanwhile is no error. */
export async function killThreadProcesses(dataDirectory: string): Promise<void> {
  for (const pid of await threadProcesses(dataDirectory)) signalProcess(pid, 'SIGKILL');
}

/** A file of a process below `/proc`, as text; empty for a process that is gone. */
export async function readProcessFile(pid: number, file: 'cmdline' | 'environ'): Promise<string> {
  return readFile(`/proc/${String(pid)}/${file}`, 'utf8').catch(() => '');
}

interface Entry {
  readonly pid: number;
  readonly parent: number;
  /** When it was started, in clock ticks since the machine was. Pids begin again from 1. */
  readonly started: number;
  readonly isNamed: boolean;
}

async function readEntry(pid: string, folder: string): Promise<readonly Entry[]> {
  try {
    const [stat, environment, command] = await Promise.all(
      ['stat', 'environ', 'cmdline'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8')),
    );
    // From the third field of proc(5) on; the start is the 22nd.
    const fields = (stat ?? '').slice((stat ?? '').lastIndexOf(')') + 2).split(' ');
    const [state, parent] = fields;
    if (state === 'Z') return [];
    const isNamed = [environment, command].some((text) => text?.includes(folder) === true);
    return [{ pid: Number(pid), parent: Number(parent), started: Number(fields[19]), isNamed }];
  } catch {
    // It is gone, or another user's: not one of ours either way.
    return [];
  }
}
