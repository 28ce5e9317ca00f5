import { dirname, join, sep } from 'node:path';
import type { SandboxMount } from '../sandbox.js';
import type { SystemEntry } from '../host/system.js';
import type { ThreadFolders } from '../files/thread-paths.js';
import { INSIDE } from './inside.js';

/** What a sandbox is made of. */
export interface SandboxLayout {
  /** Folders of the thread on the machine. */
  readonly outside: ThreadFolders;
  readonly system: readonly SystemEntry[];
  /** Files that stand in for those of the machine's `/etc`, by their path inside. */
  readonly substitutes: Readonly<Record<string, string>>;
  /** Folders below system folders that nobody is to see, such as the server's data. */
  readonly hidden: readonly string[];
  /** Where the agents' programs are installed, read-only. */
  readonly programs: readonly string[];
  readonly mounts: readonly SandboxMount[];
  /** The folder with the socket of the broker; `undefined` for none. */
  readonly socketFolder: string | undefined;
  /** Files of the deployment in the home, by their paths in it. */
  readonly deployed: readonly string[];
}

/** Size of `/dev/shm`, in bytes. Browsers keep images of their pages there. */
const SHARED_MEMORY_BYTES = 64 * 1024 * 1024;

/**
 * The arguments of `bwrap` before those of the program. Variables are inherited and not arguments, which everybody on the machine can
 * read. Later mounts cover earlier ones: the thread's own come last.
 */
export function toBubblewrapArguments(layout: SandboxLayout): readonly string[] {
  const { outside, socketFolder } = layout;
  return [
    // Network, IPC, processes, host name and users of its own; the user is an ordinary one without capabilities.
    ...['--unshare-all', '--unshare-user', '--uid', INSIDE.userId, '--gid', INSIDE.userId, '--hostname', 'sandbox'],
    // It ends with the server, and cannot write to a terminal that the server was started from.
    ...['--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    ...layout.system.flatMap((entry) =>
      entry.kind === 'bind' ? ['--ro-bind-try', entry.path, entry.path] : ['--symlink', entry.target, entry.path],
    ),
    ...Object.entries(layout.substitutes).flatMap(([path, source]) => ['--ro-bind', source, path]),
    ...['--proc', '/proc', '--dev', '/dev', '--size', String(SHARED_MEMORY_BYTES), '--tmpfs', '/dev/shm'],
    ...['--tmpfs', '/run', '--dir', '/var', '--symlink', '../tmp', '/var/tmp'],
    ...layout.hidden.flatMap((path) => ['--tmpfs', path]),
    // Before the programs: one may be installed below it.
    ...['--bind', outside.temporary, '/tmp'],
    ...layout.programs.flatMap((path) => ['--ro-bind', path, path]),
    ...layout.mounts.flatMap(({ source, target, isWritable }) => [isWritable ? '--bind' : '--ro-bind', source, target]),
    ...['--bind', outside.workspace, INSIDE.workspace, '--bind', outside.home, INSIDE.home],
    ...toDeployedMounts(outside.home, layout.deployed),
    ...['--ro-bind', outside.server, INSIDE.server],
    ...(socketFolder === undefined ? [] : ['--ro-bind', socketFolder, INSIDE.socketFolder]),
    ...['--remount-ro', '/', '--chdir', INSIDE.workspace],
  ];
}

/**
 * Each file over itself, read-only, and each folder above it over itself: a mount can neither be renamed nor removed, and else a command could
 * move the folder of a file away, and put another one in its place.
 */
function toDeployedMounts(home: string, files: readonly string[]): readonly string[] {
  const folders = new Set(files.flatMap(listFolders));
  return [
    ...[...folders].flatMap((path) => ['--bind', join(home, path), join(INSIDE.home, path)]),
    ...files.flatMap((path) => ['--ro-bind', join(home, path), join(INSIDE.home, path)]),
  ];
}

/** The folders above a file, the highest one first. */
function listFolders(path: string): readonly string[] {
  const parts = dirname(path).split(sep);
  return parts[0] === '.' ? [] : parts.map((_, index) => join(...parts.slice(0, index + 1)));
}
