import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { readErrorCode } from '../errors.js';

/**
 * Bytes that become free when each of these processes ends, by pid, without those that have ended. Linux: what is not backed by files, as
 * the pages of programs are shared by all of their processes (proc_pid_status(5)). Elsewhere: the resident memory.
 */
export function readMemory(pids: ReadonlySet<number>): Promise<ReadonlyMap<number, number>> {
  return process.platform === 'linux' ? readFromProc(pids) : readFromPs(pids);
}

/** Reads the memory of its own from the text of `/proc/<pid>/status`; 0 for a process that has none, such as a zombie. */
export function parseMemoryStatus(text: string): number {
  const kilobytes = [...text.matchAll(/^Rss(?:Anon|Shmem):\s*(\d+) kB$/gm)].map(([, digits]) => Number(digits));
  return kilobytes.reduce((sum, each) => sum + each * 1024, 0);
}

async function readFromProc(pids: ReadonlySet<number>): Promise<ReadonlyMap<number, number>> {
  const bytes = new Map<number, number>();
  for (const pid of pids) {
    try {
      bytes.set(pid, parseMemoryStatus(await readFile(`/proc/${String(pid)}/status`, 'utf8')));
    } catch (error) {
      // It has ended meanwhile.
      if (!['ENOENT', 'ESRCH'].includes(readErrorCode(error) ?? '')) throw error;
    }
  }
  return bytes;
}

async function readFromPs(pids: ReadonlySet<number>): Promise<ReadonlyMap<number, number>> {
  const { stdout } = await promisify(execFile)('ps', ['-axo', 'pid=,rss='], { maxBuffer: 64 * 1024 * 1024 });
  const rows = stdout.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  return new Map(rows.flatMap(([pid = 0, kilobytes = 0]) => (pids.has(pid) ? [[pid, kilobytes * 1024] as const] : [])));
}
