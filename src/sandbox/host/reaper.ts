import { spawn, type ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { LineSplitter } from '../process/lines.js';

/**
 * The helper. Its argument is the marker (`NAME=value`) that everything of this server has in its environment. It reads
 * `add <group>` (and answers with the group) and `remove <group>`; `alive <seconds>` has it kill all that is there unless it reads that again
 * in time. At the end of its input the server is gone, however it
 * died, and everything that is left of it is killed. It ignores the signals that a service manager sends to the whole of a
 * service before the server is gone, and SIGPIPE, because the server may die between a line and its answer.
 *
 * Without /proc (macOS) no environment can be searched, so the descendants are taken from `ps`, before their parents die.
 */
const SCRIPT = `
trap '' HUP INT QUIT TERM PIPE
marker=$0
groups=
users=
cgroups=
timer=
seconds=
expect_life() {
  [ -n "$seconds" ] || return
  [ -z "$timer" ] || kill -KILL "$timer"
  (sleep "$seconds" && end_all) &
  timer=$!
}
end_all() {
exec >/dev/null 2>&1
descendants=
[ -d /proc/self ] || descendants=$(ps -axo pid=,ppid= | awk -v roots="$groups" '
  BEGIN { count = split(roots, root, " "); for (i = 1; i <= count; i++) hit[root[i]] = 1 }
  { parent[$1] = $2 }
  END { do { more = 0; for (pid in parent) if (!(pid in hit) && (parent[pid] in hit)) { hit[pid] = 1; more = 1; print pid } } while (more) }')
for group in $groups; do kill -KILL "-$group"; done
for pid in $descendants; do kill -KILL "$pid"; done
for user in $users; do setpriv --reuid "$user" --regid "$user" --clear-groups /bin/sh -c 'kill -KILL -1'; done
for round in 1 2 3 4 5 6 7 8; do
  found=
  for cgroup in $cgroups; do found=$found$(cat "$cgroup"/*/*/cgroup.procs); done
  [ -z "$found" ] && break
  kill -KILL $found
  sleep 0.1 || sleep 1
done
before=unknown
for round in 1 2 3 4 5 6 7 8; do
  found=$(grep -lsF -e "$marker" /proc/[0-9]*/environ)
  [ -z "$found$before" ] && break
  for file in $found; do
    file=\${file#/proc/}
    kill -KILL "\${file%/environ}"
  done
  [ -z "$found" ] || sleep 0.1 || sleep 1
  before=$found
done
}
while read -r verb group; do
  case $verb in
  add)
    groups="$groups $group"
    expect_life
    echo "$group" ;;
  user)
    users="$users $group" ;;
  cgroup)
    cgroups="$cgroups $group" ;;
  alive)
    seconds=$group
    expect_life ;;
  remove)
    rest=
    for each in $groups; do [ "$each" = "$group" ] || rest="$rest $each"; done
    groups=$rest ;;
  esac
done
[ -z "$timer" ] || kill -KILL "$timer"
end_all
`;

/** A helper that exits sooner than this restarts only after the same pause, so that a broken one costs little. */
const SHORT_LIFE_MS = 1000;

/**
 * Ensures that no process outlives the server, even if that gets SIGKILL: a small shell process in its own session holds the other
 * end of a pipe and cleans up when the pipe closes. It starts with the first process, and restarts if it dies.
 */
export class Reaper {
  private readonly groups = new Set<number>();
  private readonly users = new Set<number>();
  private readonly cgroups = new Set<string>();
  private readonly pending = new Map<number, () => void>();
  private helper: ChildProcess | undefined;
  private lifeSeconds: number | undefined;
  private pause: NodeJS.Timeout | undefined;
  private closed = false;

  /**
   * @param marker `NAME=value`, in the environment of every process of this server and of nothing else
   * @param warn logs the death of a helper
   */
  constructor(
    private readonly marker: string,
    private readonly warn: (text: string) => void,
  ) {}

  /** The pid of the helper that runs now. */
  get pid(): number | undefined {
    return this.helper?.pid;
  }

  /**
   * Guards a process group. Resolves when the helper has registered it: from then on, the group dies with the server. Never resolves
   * if no helper can start, or if the group is removed first.
   */
  add(group: number): Promise<void> {
    this.groups.add(group);
    return new Promise((resolve) => {
      this.pending.set(group, resolve);
      if (this.helper === undefined) this.start();
      else writeLine(this.helper.stdin, `add ${String(group)}`);
    });
  }

  /**
   * Has everything killed that runs now or starts soon, unless this is called again within so many seconds: for a server that others
   * replace when it is suspended.
   */
  expectLife(seconds: number): void {
    this.lifeSeconds = seconds;
    writeLine(this.helper?.stdin, `alive ${String(seconds)}`);
  }

  /** Has everything of a thread's user killed when the server is gone. */
  addUser(userId: number): void {
    if (this.users.has(userId)) return;
    this.users.add(userId);
    writeLine(this.helper?.stdin, `user ${String(userId)}`);
  }

  /** Has every process killed that is in a group of a control group's groups when the server is gone. */
  addCgroup(path: string): void {
    this.cgroups.add(path);
    writeLine(this.helper?.stdin, `cgroup ${path}`);
  }

  /** Unregisters an empty group: the system may reuse its number. */
  remove(group: number): void {
    this.pending.delete(group);
    if (this.groups.delete(group)) writeLine(this.helper?.stdin, `remove ${String(group)}`);
  }

  /** Stops the helper, which kills all guarded groups. Resolves when it has exited. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.pause);
    const helper = this.helper;
    if (helper?.pid === undefined || helper.exitCode !== null || helper.signalCode !== null) return;
    // While it is waited for it must keep this process alive, which it otherwise does not.
    helper.ref();
    await new Promise<void>((resolve) => {
      helper.once('exit', () => resolve());
      helper.stdin?.end();
    });
  }

  private start(): void {
    // A pending restart starts a helper anyway; after the close there is nobody to guard.
    if (this.pause !== undefined || this.closed) return;
    const startedAt = performance.now();
    const helper = spawn('/bin/sh', ['-c', SCRIPT, this.marker], {
      cwd: '/',
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.helper = helper;
    helper.once('error', (error) => this.replace(startedAt, error.message));
    helper.once('exit', (code, signal) => this.replace(startedAt, `exited with ${String(signal ?? code)}`));
    if (helper.pid === undefined) return;
    // A line lost with a dying helper does not matter: the next one gets the complete list.
    helper.stdin.on('error', () => undefined);
    const splitter = new LineSplitter();
    helper.stdout.on('data', (chunk: Buffer) => {
      for (const line of splitter.push(chunk)) this.acknowledge(Number(line));
    });
    for (const path of this.cgroups) writeLine(helper.stdin, `cgroup ${path}`);
    if (this.lifeSeconds !== undefined) writeLine(helper.stdin, `alive ${String(this.lifeSeconds)}`);
    for (const user of this.users) writeLine(helper.stdin, `user ${String(user)}`);
    for (const group of this.groups) writeLine(helper.stdin, `add ${String(group)}`);
    // A helper is no reason for the server to stay.
    helper.unref();
    for (const stream of [helper.stdin, helper.stdout]) if (stream instanceof Socket) stream.unref();
  }

  private acknowledge(group: number): void {
    this.pending.get(group)?.();
    this.pending.delete(group);
  }

  private replace(startedAt: number, reason: string): void {
    this.helper = undefined;
    if (this.closed) return;
    this.warn(`process reaper exited unexpectedly (${reason})`);
    if (this.groups.size === 0) return;
    if (performance.now() - startedAt >= SHORT_LIFE_MS) {
      this.start();
      return;
    }
    this.pause = setTimeout(() => {
      this.pause = undefined;
      if (this.groups.size > 0) this.start();
    }, SHORT_LIFE_MS);
  }
}

function writeLine(input: Writable | null | undefined, line: string): void {
  if (input?.writable === true) input.write(`${line}\n`);
}
