import { join } from 'node:path';
import { lockFile } from '../deployed/deployed-files.js';
import { buildEnvironment } from '../environment.js';
import { ThreadUsers } from '../files/thread-users.js';
import { becomeUser } from '../host/become-user.js';
import type { HostLaunch } from '../host/host.process.js';
import { HostSandbox, type LaunchRequest } from '../host/host.sandbox.js';
import { findInstallation, findNodeInstallation, listEtcEntries } from '../host/system.js';
import { toPrlimitPrefix } from '../limits/prlimit.js';
import { findProgram } from '../process/find-program.js';
import type { SandboxExit, SandboxOptions } from '../sandbox.js';
import { type PathRule, toLauncherArguments } from './launcher.js';
import { MACHINES } from './machine.js';

/**
 * Chromium 156.0.8078.108 looks at the machine's PCI devices, and ends when it may not (its process for the GPU: `pcilib: Cannot open
 * /sys/bus/pci/devices`). What is there are links into the other folder.
 */
const HARDWARE = ['/sys/bus/pci/devices', '/sys/devices'];
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/proc', ...HARDWARE];
/** Without the resolvers: names are resolved by the broker, if at all. */
const ETC = ['passwd', 'group', 'hosts', 'nsswitch.conf', 'bash.bashrc', 'profile'].map((name) => join('/etc', name));
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'ptmx', 'pts'].map((name) => join('/dev', name));

/** How the launcher reports that it, and not the program, has failed. */
const SETUP_FAILED = /^landlock: (.*)/;

/**
 * Runs the threads' programs under Landlock, which lets them use their thread's folders and the system's programs, connect to the broker only, and signal
 * only each other. For machines without user namespaces, as containers. What it leaves open: the list of processes with their command lines, and,
 * before Linux 7.1, sockets with a path that the user may write to.
 */
export class LandlockSandbox extends HostSandbox {
  readonly isolates = true;
  protected override readonly endsByUser = true;
  protected readonly countsProcesses = process.geteuid?.() === 0 ? 'thread' : undefined;
  readonly description: string;
  readonly runsAsRoot = false;
  #brokerPort: number | undefined;

  constructor(options: SandboxOptions) {
    const isRoot = process.geteuid?.() === 0;
    super(options, isRoot ? ThreadUsers.of(options) : undefined);
    this.description = isRoot
      ? 'landlock: restricted files, connections and signals, and a user id for each thread'
      : "landlock: restricted files, connections and signals, with the server's user id";
  }

  protected launch({ program, args, outside, userId, added, markers }: LaunchRequest): HostLaunch {
    const { mounts = [], limits } = this.options;
    const machine = MACHINES[process.arch];
    if (machine === undefined) throw new Error(`no numbers of system calls are known for ${process.arch}`);
    const rules: readonly PathRule[] = [
      ...[...SYSTEM, ...listEtcEntries(), ...ETC, outside.server].map(readable),
      ...[...findInstallation(program), ...findNodeInstallation(process.env['PATH'])].map(readable),
      ...mounts.map(({ source, isWritable }): PathRule => ({ path: source, access: isWritable ? 'write' : 'read' })),
      ...[outside.workspace, outside.home, outside.temporary].map((path): PathRule => ({ path, access: 'write' })),
      ...DEVICES.map((path): PathRule => ({ path, access: 'device' })),
    ];
    const restricted = [
      findProgram('perl', process.env['PATH']) ?? '/usr/bin/perl',
      ...toLauncherArguments(machine, { ports: this.#brokerPort === undefined ? [] : [this.#brokerPort], rules }),
      ...[program, ...args],
    ];
    const prlimit = findProgram('prlimit', process.env['PATH']) ?? '/usr/bin/prlimit';
    // All processes of a user count: it has to be the thread's own.
    const own = toPrlimitPrefix(prlimit, { openFiles: 0, processes: limits?.processes ?? 0 });
    const [command = '', ...rest] = userId === undefined ? restricted : [...becomeUser(userId), ...own, ...restricted];
    return {
      program: command,
      args: rest,
      target: program,
      workingDirectory: outside.workspace,
      environment: buildEnvironment({
        server: process.env,
        folders: outside,
        temporaryFolder: outside.temporary,
        // The machine's own configuration of git is there, and closed, at which git gives up.
        added: { GIT_CONFIG_NOSYSTEM: '1', ...added },
        markers,
      }),
      toExit,
      explain,
    };
  }

  override async deploy(threadId: string, files: Readonly<Record<string, string>>): Promise<void> {
    const { thread } = this.outside(threadId);
    for (const [path, text] of Object.entries(files)) await lockFile(thread, join('home', path), text);
  }

  override allowPort(port: number): void {
    this.#brokerPort = port;
  }
}

function readable(path: string): PathRule {
  return { path, access: 'read' };
}

function toExit(exit: SandboxExit, hasWritten: boolean): SandboxExit {
  return !hasWritten && exit.code !== 0 && SETUP_FAILED.test(exit.stderr)
    ? { ...exit, notStarted: { reason: 'sandbox-failed', code: undefined } }
    : exit;
}

/** What the launcher says that it could not do. It quotes paths only. */
function explain(stderr: string): string | undefined {
  const problem = SETUP_FAILED.exec(stderr)?.[1];
  return problem === undefined ? undefined : `cannot be run in the sandbox: ${problem}`;
}
