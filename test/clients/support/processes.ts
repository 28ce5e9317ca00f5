import { readdir, readFile } from 'node:fs/promises';

/**
 * The pids of the processes of a server's threads, and of all that they started: those with a thread's folder in their environment or, as what isolates
 * them, in their command line, and everything below these. Linux only.
 */
export async function threadProcesses(dataDirectory: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const entries = (await Promise.all(pids.map((pid) => readEntry(pid, `${dataDirectory}/threads/`)))).flat();
  const found = new Set(entries.filter(({ isNamed }) => isNamed).map(({ pid }) => pid));
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const { pid, parent } of entries) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

interface Entry {
  readonly pid: number;
  readonly parent: number;
  readonly isNamed: boolean;
}

async function readEntry(pid: string, folder: string): Promise<readonly Entry[]> {
  try {
    const [stat, environment, command] = await Promise.all(
      ['stat', 'environ', 'cmdline'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8')),
    );
    const [state, parent] = (stat ?? '').slice((stat ?? '').lastIndexOf(')') + 2).split(' ');
    if (state === 'Z') return [];
    const isNamed = [environment, command].some((text) => text?.includes(folder) === true);
    return [{ pid: Number(pid), parent: Number(parent), isNamed }];
  } catch {
    // It is gone, or another user's: not one of ours either way.
    return [];
  }
}
