import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

/** How long an init may take to collect a process, in milliseconds. */
const PATIENCE_MS = 2000;

/** What this host lacks that keeps agents' processes from being cleaned up, in sentences for the log. */
export async function findHostWarnings(): Promise<readonly string[]> {
  if (process.platform !== 'linux') return [];
  if (!existsSync('/proc/self/stat')) {
    return ['/proc is not mounted: processes that an agent leaves behind are not found, and go on after it has ended'];
  }
  return (await collectsOrphans())
    ? []
    : [
        'process 1 does not collect orphans, which stay as zombies: give the container an init (docker run --init, tini)',
      ];
}

/**
 * Whether a process whose parent is gone disappears when it ends. Where process 1 is no init, as `npm` in a container, it stays as a
 * zombie for ever, and agents leave many. Tests it with one process; true if the test is inconclusive.
 */
async function collectsOrphans(): Promise<boolean> {
  // It lives until its input ends, after its parent did: a shell that outlives it, as on a busy host, collects it itself.
  const script = 'exec 3<&0; (exec >/dev/null; read -r line <&3) & echo $!';
  const shell = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] });
  shell.on('error', () => undefined); // Then nothing is printed.
  shell.once('exit', () => shell.stdin.destroy());
  const orphan = (await text(shell.stdout)).trim();
  if (!/^\d+$/.test(orphan)) return true;
  await delay(PATIENCE_MS, undefined, { ref: false });
  const status = await readFile(`/proc/${orphan}/status`, 'utf8').catch(() => '');
  return !/^State:\s+Z/m.test(status);
}
