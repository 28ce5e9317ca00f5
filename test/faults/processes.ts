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

/** The living processes whose environment names this data folder, without `server`. Linux only. */
export async function markedProcesses(dataDirectory: string, server: number): Promise<readonly MarkedProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map((pid) => markedProcess(pid, dataDirectory)));
  return found.flatMap((entry) => (entry === undefined || entry.pid === server ? [] : [entry]));
}

/** The same name for the same process, and for no other. */
export function identity({ pid, started }: MarkedProcess): string {
  return `${pid}@${started}`;
}

async function markedProcess(pid: number, dataDirectory: string): Promise<MarkedProcess | undefined> {
  // A process that goes away while it is looked at is none.
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  if (!environment.includes(dataDirectory)) return undefined;
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = 'X', parent] = fields;
  if ('ZXx'.includes(state)) return undefined;
  const program = basename(await readlink(`/proc/${pid}/exe`).catch(() => ''));
  const threadKey = /(?:^|\0)CENTAUR_THREAD_KEY=([^\0]*)/.exec(environment)?.[1] ?? '';
  return { pid, parent: Number(parent), started: fields[19] ?? '', program, threadKey };
}
