import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';

/** A living process that was started for a data folder, other than its server. */
export interface MarkedProcess {
  readonly pid: number;
  readonly parent: number;
  /** With the pid, one process for ever. */
  readonly started: string;
  /** Name of the program's file. */
  readonly program: string;
  /** The thread that it works for; `''` for none. */
  readonly threadKey: string;
}

/**
 * The living processes that work for this data folder, without `server`: those with it in their environment or, as what isolates a thread, in
 * their command line, and all that these started. Linux only.
 */
export async function markedProcesses(dataDirectory: string, server: number): Promise<readonly MarkedProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const entries = (await Promise.all(pids.map((pid) => readEntry(pid, dataDirectory)))).flat();
  const found = new Set(entries.flatMap(({ pid, isNamed }) => (isNamed && pid !== server ? [pid] : [])));
  // Inside of a sandbox the folder has another path.
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const { pid, parent } of entries) if (found.has(parent)) found.add(pid);
  }
  return entries.filter(({ pid }) => found.has(pid));
}

/** The same name for the same process, and for no other. */
export function identity({ pid, started }: MarkedProcess): string {
  return `${pid}@${started}`;
}

interface Entry extends MarkedProcess {
  readonly isNamed: boolean;
}

/** Nothing for a process that goes away while it is looked at. */
async function readEntry(pid: number, dataDirectory: string): Promise<readonly Entry[]> {
  const [environment = '', command = ''] = await Promise.all(
    ['environ', 'cmdline'].map((name) => readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '')),
  );
  const isNamed = environment.includes(dataDirectory) || command.includes(`${dataDirectory}/threads/`);
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = 'X', parent] = fields;
  if ('ZXx'.includes(state)) return [];
  const program = basename(await readlink(`/proc/${pid}/exe`).catch(() => ''));
  const threadKey = /(?:^|\0)CENTAUR_THREAD_KEY=([^\0]*)/.exec(environment)?.[1] ?? '';
  return [{ pid, parent: Number(parent), started: fields[19] ?? '', program, threadKey, isNamed }];
}
