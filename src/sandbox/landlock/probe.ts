import { findClosedFolder } from '../host/closed-folder.js';
import { findProgram } from '../process/find-program.js';
import type { ProgramRun, SandboxOptions } from '../sandbox.js';
import { LandlockSandbox } from './landlock.sandbox.js';
import { MACHINES } from './machine.js';

const PROBE_TIMEOUT_MS = 10_000;

/** Says `contained` if the sandbox holds: its own folders are open, and the server's environment and the data folder are not. The filter of calls is on (2). */
const SCRIPT = `
if cat "/proc/$1/environ" >/dev/null 2>&1; then echo the environment of the server can be read inside; exit 0; fi
if ls "$2" >/dev/null 2>&1; then echo the data folder can be read inside; exit 0; fi
if ! grep -q '^Seccomp:.2$' /proc/self/status; then echo system calls are not filtered inside; exit 0; fi
if [ "$(id -u)" = 0 ]; then echo programs are root inside; exit 0; fi
: > "$HOME/probe" && : > "$PWD/probe" && : > "$TMPDIR/probe" && echo contained`;

/**
 * Finds out by running it why Landlock does not work here; `undefined` if it does. The text is one or two sentences: what is in the way, and what to
 * install or to allow.
 */
export async function findLandlockProblem(options: SandboxOptions): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'Landlock is for Linux only.';
  if (MACHINES[process.arch] === undefined) return `Landlock is used on ${Object.keys(MACHINES).join(' and ')} only.`;
  const isRoot = process.geteuid?.() === 0;
  const needed = isRoot ? ['perl', 'setpriv', 'prlimit'] : ['perl', 'prlimit'];
  const missing = needed.filter((name) => findProgram(name, process.env['PATH']) === undefined);
  if (missing.length > 0) return `${missing.join(' and ')} not found. Install perl-base and util-linux.`;
  const moved = (options.mounts ?? []).find(({ source, target }) => source !== target);
  if (moved !== undefined)
    return `CHIRON_SANDBOX_MOUNTS has another path inside for ${moved.source}, which Landlock cannot give.`;
  const closed = findClosedFolder(options);
  if (closed !== undefined) return closed;
  const sandbox = new LandlockSandbox(options);
  try {
    const args = ['-c', SCRIPT, 'sh', String(process.pid), options.dataDirectory];
    return explainLandlock(await sandbox.run('/bin/sh', args, PROBE_TIMEOUT_MS));
  } finally {
    await sandbox.close();
  }
}

function explainLandlock(run: ProgramRun): string | undefined {
  if (run.kind === 'missing') return 'there is no /bin/sh.';
  if (run.kind === 'failed')
    return `it ${run.problem}. Landlock has to be in the kernel (Linux 6.12, lsm=landlock) and allowed by the container.`;
  const said = run.output.trim();
  return said === 'contained' ? undefined : `${said || 'there is no answer from inside'}.`;
}
