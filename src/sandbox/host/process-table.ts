import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { readErrorCode } from '../errors.js';

/** One living process of this machine. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** The session's leader, or 0 where the system does not tell. */
  readonly session: number;
  /** When it was started, as the system writes it: with the pid it names one process for ever, though pids are used again. */
  readonly started: string;
  /** Processor time of the process and of its children that it has waited for, in ticks of the system's clock; 0 where the system does not tell. */
  readonly cpuTicks: number;
  /** Whether its environment holds the marker that was looked for. Always false where the system does not tell. */
  readonly marked: boolean;
}

/**
 * The living processes of this machine (no zombies), and which of them carry `marker` (`NAME=value`) in their environment; without
 * a marker no environment is read. Linux: from /proc. Elsewhere: from `ps`, which shows no environments. Rejects when there is no way to
 * list processes.
 */
export function listProcesses(marker?: string): Promise<readonly ProcessEntry[]> {
  return process.platform === 'linux' ? listFromProc(marker) : listFromPs();
}

/** The name of one process that stays its own, though pids are used again. */
export function toIdentity(entry: ProcessEntry): string {
  return `${String(entry.pid)}@${entry.started}`;
}

/**
 * Those of `processes` that `leader` started, directly or not: what is in its group or session, what is marked, what was
 * known to be of the family before, and every descendant of these. The leader itself is one of them while it lives. Throws for
 * 0 and 1, which are no programs' pids, but are everybody's ancestors.
 */
export function selectProcessTree(
  processes: readonly ProcessEntry[],
  leader: number,
  known: ReadonlySet<string> = new Set(),
): readonly ProcessEntry[] {
  if (leader <= 1) throw new RangeError(`${String(leader)} is no program`);
  const isSeed = (entry: ProcessEntry): boolean =>
    entry.pid === leader ||
    entry.group === leader ||
    entry.session === leader ||
    entry.marked ||
    known.has(toIdentity(entry));
  const members = new Set(processes.filter(isSeed).map((entry) => entry.pid));
  for (let before = -1; before !== members.size;) {
    before = members.size;
    for (const entry of processes) if (members.has(entry.parent)) members.add(entry.pid);
  }
  return processes.filter((entry) => members.has(entry.pid));
}

/** Reads `/proc/<pid>/stat` (proc_pid_stat(5)); `undefined` for a zombie and for what is not such a line. */
export function parseStat(text: string): Omit<ProcessEntry, 'marked'> | undefined {
  // The name is in parentheses and may itself hold spaces and parentheses; the fields begin after the last one.
  const nameEnd = text.lastIndexOf(')');
  const pid = Number.parseInt(text, 10);
  const fields = text
    .slice(nameEnd + 1)
    .trim()
    .split(/\s+/);
  const [state, parent, group, session] = fields;
  const started = fields[19];
  // utime, stime, cutime, cstime
  const cpuTicks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  if (nameEnd === -1 || Number.isNaN(pid) || state === undefined || started === undefined) return undefined;
  if ('ZXx'.includes(state)) return undefined;
  return { pid, parent: Number(parent), group: Number(group), session: Number(session), started, cpuTicks };
}

/** Reads the output of `ps -axo pid=,ppid=,pgid=,stat=,lstart=`, without the zombies. */
export function parsePs(text: string): readonly ProcessEntry[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*\S)\s*$/.exec(line);
    const [, pid, parent, group, state, started] = match ?? [];
    if (started === undefined || state?.startsWith('Z') === true) return [];
    return [
      {
        pid: Number(pid),
        parent: Number(parent),
        group: Number(group),
        session: 0,
        started,
        cpuTicks: 0,
        marked: false,
      },
    ];
  });
}

async function listFromProc(marker: string | undefined): Promise<readonly ProcessEntry[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const entries: ProcessEntry[] = [];
  // In batches, so that a machine with many processes does not cost as many open files.
  for (let start = 0; start < pids.length; start += 32) {
    const batch = await Promise.all(pids.slice(start, start + 32).map((pid) => readEntry(pid, marker)));
    entries.push(...batch.flatMap((entry) => (entry === undefined ? [] : [entry])));
  }
  return entries;
}

async function readEntry(pid: string, marker: string | undefined): Promise<ProcessEntry | undefined> {
  const [stat, environment] = await Promise.all([
    readIfAllowed(`/proc/${pid}/stat`),
    marker === undefined ? undefined : readIfAllowed(`/proc/${pid}/environ`),
  ]);
  const entry = parseStat(stat.toString('utf8'));
  if (entry === undefined) return undefined;
  return { ...entry, marked: environment !== undefined && marker !== undefined && holds(environment, marker) };
}

/** Whether an environment, as /proc shows it (each entry ended by a NUL), has exactly this entry. */
function holds(environment: Buffer, marker: string): boolean {
  return environment.toString('latin1').split('\0').includes(marker);
}

async function readIfAllowed(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    // It ended while we looked, or it is another user's: not ours either way.
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(readErrorCode(error) ?? '')) return Buffer.alloc(0);
    throw error;
  }
}

async function listFromPs(): Promise<readonly ProcessEntry[]> {
  const columns = 'pid=,ppid=,pgid=,stat=,lstart=';
  const { stdout } = await promisify(execFile)('ps', ['-axo', columns], { maxBuffer: 64 * 1024 * 1024 });
  return parsePs(stdout);
}

/** When a process was started, as the system writes it; `undefined` for one that has ended. */
export function readStartTime(pid: string): string | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.started;
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(readErrorCode(error) ?? '')) return undefined;
    throw error;
  }
}
