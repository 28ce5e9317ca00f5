import { findClosedFolder } from '../host/closed-folder.js';
import { findProgram } from '../process/find-program.js';
import type { ProgramRun, SandboxOptions } from '../sandbox.js';
import { BubblewrapSandbox } from './bubblewrap.sandbox.js';

const PROBE_TIMEOUT_MS = 10_000;

/**
 * Says `contained` if the sandbox holds. The kernel's `core_pattern` names a program that runs as root outside, so a sandbox in which it can be
 * opened for writing is none; the file is opened only.
 */
const SCRIPT = `
if (: >> /proc/sys/kernel/core_pattern) 2>/dev/null; then echo the files of the kernel in /proc/sys are writable inside; exit 0; fi
if [ "$(id -u)" = 0 ]; then echo programs are root inside; exit 0; fi
: > "$HOME/probe" && : > /workspace/probe && : > /tmp/probe && echo contained`;

/** Programs that the sandbox is made with, by the packages of Debian that have them. */
const PROGRAMS: Readonly<Record<string, string>> = {
  bwrap: 'bubblewrap',
  socat: 'socat',
  setpriv: 'util-linux',
  prlimit: 'util-linux',
  setsid: 'util-linux',
};

/**
 * Finds out by running it why bubblewrap does not work here; `undefined` if it does. The text is one or two sentences: what is in the way, and what
 * to install or to allow.
 */
export async function findBubblewrapProblem(options: SandboxOptions): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'bubblewrap is for Linux only.';
  const missing = Object.entries(PROGRAMS).filter(([name]) => findProgram(name, process.env['PATH']) === undefined);
  if (missing.length > 0) {
    const names = missing.map(([name]) => name).join(' and ');
    const packages = [...new Set(missing.map(([, name]) => name))].join(' and ');
    return `${names} not found. Install ${packages}.`;
  }
  const closed = findClosedFolder(options);
  if (closed !== undefined) return closed;
  const sandbox = new BubblewrapSandbox(options);
  try {
    return explainProbe(await sandbox.run('/bin/sh', ['-c', SCRIPT], PROBE_TIMEOUT_MS));
  } finally {
    await sandbox.close();
  }
}

/** What the result of the probe says: `undefined` if the sandbox holds. */
export function explainProbe(run: ProgramRun): string | undefined {
  if (run.kind === 'missing') return 'there is no /bin/sh.';
  if (run.kind === 'done')
    return run.output.trim() === 'contained' ? undefined : `${run.output.trim() || 'no answer from inside'}.`;
  const { problem } = run;
  return `bwrap ${problem}. ${adviseOn(problem)}`.trim();
}

function adviseOn(problem: string): string {
  if (/Creating new namespace failed|No permissions to create/i.test(problem)) {
    return 'Allow user namespaces: in a container, a seccomp profile with unshare, mount and clone; on the machine, sysctl kernel.unprivileged_userns_clone=1 and user.max_user_namespaces.';
  }
  if (/RTM_NEWADDR|setting up uid map/i.test(problem)) {
    return 'AppArmor restricts user namespaces (kernel.apparmor_restrict_unprivileged_userns): give bwrap a profile that has "userns".';
  }
  if (/mount proc/i.test(problem))
    return 'The container masks /proc: run it with systempaths=unconfined, or procMount: Unmasked.';
  return '';
}
