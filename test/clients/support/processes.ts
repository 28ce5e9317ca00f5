import { readdir, readFile } from 'node:fs/promises';

/**
 * The pids of the processes of a server's threads, and of all that they started: those with a thread's folder in their
 * environment. Linux only.
 */
export async function threadProcesses(dataDirectory: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map(async (pid) => ((await belongs(pid, dataDirectory)) ? [Number(pid)] : [])));
  return found.flat();
}

async function belongs(pid: string, dataDirectory: string): Promise<boolean> {
  try {
    return (await readFile(`/proc/${pid}/environ`, 'utf8')).includes(`${dataDirectory}/threads/`);
  } catch {
    // It is gone, or another user's: not one of ours either way.
    return false;
  }
}
