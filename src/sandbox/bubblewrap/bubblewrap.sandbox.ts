import { constants } from 'node:os';
import { join, resolve } from 'node:path';
import { buildEnvironment } from '../environment.js';
import { ThreadUsers } from '../files/thread-users.js';
import { toThreadsParent } from '../files/thread-paths.js';
import { becomeUser, readOwner } from '../host/become-user.js';
import type { HostLaunch } from '../host/host.process.js';
import { HostSandbox, type LaunchRequest } from '../host/host.sandbox.js';
import { listProcesses } from '../host/process-table.js';
import { findProgram } from '../process/find-program.js';
import type { BrokerSocket, SandboxExit, SandboxFolders, SandboxOptions } from '../sandbox.js';
import { toBubblewrapArguments } from './arguments.js';
import { BROKER_SOCKET, FORWARD_AND_RUN, INSIDE } from './inside.js';
import { SocketFolders } from './socket-folders.js';
import { toPrlimitPrefix } from '../limits/prlimit.js';
import { writeSubstitutes } from './substitutes.js';
import {
  findInstallation,
  findNodeInstallation,
  listHidden,
  listSystemEntries,
  resolveInstalled,
} from '../host/system.js';

const FOLDERS: SandboxFolders = { workspace: INSIDE.workspace, home: INSIDE.home, server: INSIDE.server };

/** How `bwrap` 0.8.0 reports that it, and not the program, has failed. */
const SETUP_FAILED = /^bwrap: (.*)/;

/** What a status is above a signal's number, if that signal ended the program. */
const SIGNAL_STATUS = 128;
const SIGNALS = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL'] as const;

/**
 * Runs the threads' programs in namespaces of their own, made by bubblewrap: they see the system read-only, their thread's folders, and nothing else
 * of the machine; all of them end with the first one. A server that runs as root gives each thread a user of its own, and becomes that user
 * before bubblewrap starts: the kernel's user 0 could write to `/proc/sys` from inside.
 */
export class BubblewrapSandbox extends HostSandbox {
  readonly isolates = true;
  protected readonly countsProcesses = process.geteuid?.() === 0 ? 'thread' : 'agent process';
  readonly description: string;
  readonly runsAsRoot = false;
  readonly #system = listSystemEntries();
  #substitutes: Readonly<Record<string, string>> | undefined;
  #sockets: SocketFolders | undefined;
  /** Paths in the home, by thread. */
  readonly #deployed = new Map<string, readonly string[]>();

  constructor(options: SandboxOptions) {
    const isRoot = process.geteuid?.() === 0;
    super(options, isRoot ? ThreadUsers.of(options) : undefined);
    this.description = isRoot
      ? 'bubblewrap: own namespaces, and a user id for each thread'
      : "bubblewrap: own namespaces, with the server's user id";
  }

  override folders(threadId: string): SandboxFolders {
    this.outside(threadId);
    return FOLDERS;
  }

  protected launch({ program, args, outside, userId, added, markers, threadId }: LaunchRequest): HostLaunch {
    const socketFolder = this.#sockets?.find(threadId);
    const script = socketFolder === undefined ? 'exec "$0" "$@"' : FORWARD_AND_RUN;
    const inner = ['/bin/sh', '-c', script, resolveInstalled(program), ...args];
    const { mounts = [], dataDirectory, limits } = this.options;
    const processes = { openFiles: 0, processes: limits?.processes ?? 0 };
    const isolated = [
      ...toBubblewrapArguments({
        outside,
        system: this.#system,
        substitutes: this.#writeSubstitutes(),
        hidden: listHidden([resolve(dataDirectory), toThreadsParent(this.options), process.cwd()]),
        programs: [...new Set([...findInstallation(program), ...findNodeInstallation(process.env['PATH'])])],
        mounts,
        socketFolder,
        deployed: this.#deployed.get(threadId) ?? [],
      }),
      '--',
      // Inside, the kernel counts the processes of this sandbox only (since Linux 5.14).
      ...(userId === undefined ? toPrlimitPrefix('prlimit', processes) : []),
      ...inner,
    ];
    const bubblewrap = findProgram('bwrap', process.env['PATH']) ?? '/usr/bin/bwrap';
    const prlimit = findProgram('prlimit', process.env['PATH']) ?? '/usr/bin/prlimit';
    // Outside, it counts those of the user in all of its sandboxes: of the thread, if it has a user of its own.
    const outer = userId === undefined ? [] : [...becomeUser(userId), ...toPrlimitPrefix(prlimit, processes)];
    const [command = bubblewrap, ...rest] = [...outer, bubblewrap, ...isolated];
    return {
      program: command,
      args: rest,
      target: program,
      // Not the thread's: what is mounted is what `prepare` has made.
      workingDirectory: '/',
      environment: buildEnvironment({
        server: process.env,
        folders: FOLDERS,
        temporaryFolder: '/tmp',
        added: { USER: INSIDE.userName, LOGNAME: INSIDE.userName, ...added },
        markers,
      }),
      findGroup: findInnerGroup,
      toExit,
      explain,
    };
  }

  override async deploy(threadId: string, files: Readonly<Record<string, string>>): Promise<void> {
    await super.deploy(threadId, files);
    this.#deployed.set(threadId, Object.keys(files));
  }

  override async remove(threadId: string): Promise<void> {
    this.#deployed.delete(threadId);
    await super.remove(threadId);
  }

  override async openSocket(threadId: string): Promise<BrokerSocket> {
    this.#sockets ??= new SocketFolders(join(resolve(this.options.dataDirectory), 'sandbox', 'run'));
    const folder = await this.#sockets.open(threadId);
    const owner = this.users === undefined ? undefined : readOwner(this.outside(threadId).thread);
    return { path: join(folder, BROKER_SOCKET), owner, url: `http://127.0.0.1:${INSIDE.brokerPort}` };
  }

  override async closeSocket(threadId: string): Promise<void> {
    await this.#sockets?.close(threadId);
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#sockets?.remove();
  }

  #writeSubstitutes(): Readonly<Record<string, string>> {
    this.#substitutes ??= writeSubstitutes(join(resolve(this.options.dataDirectory), 'sandbox', 'etc'));
    return this.#substitutes;
  }
}

/** The group of the program: bubblewrap's first process inside, which collects the others, is in it and ignores SIGTERM. */
async function findInnerGroup(pid: number): Promise<number | undefined> {
  return (await listProcesses()).find(({ parent }) => parent === pid)?.group;
}

/** What bubblewrap's end says about the program. It reports a signal as a status, as shells do. */
function toExit(exit: SandboxExit, hasWritten: boolean): SandboxExit {
  const { code, stderr } = exit;
  if (code === 1 && !hasWritten && SETUP_FAILED.test(stderr)) {
    return { ...exit, notStarted: { reason: 'sandbox-failed', code: undefined } };
  }
  const signal = SIGNALS.find((name) => SIGNAL_STATUS + constants.signals[name] === code);
  return signal === undefined ? exit : { ...exit, code: null, signal };
}

/** What bubblewrap says that it could not do. It quotes paths only. */
function explain(stderr: string): string | undefined {
  const problem = SETUP_FAILED.exec(stderr)?.[1];
  return problem === undefined ? undefined : `cannot be run in the sandbox: ${problem}`;
}
