import { delimiter, dirname, isAbsolute } from 'node:path';
import { findProgram } from './process/find-program.js';
import type { SandboxFolders } from './sandbox.js';

/** An environment as Node gives it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment of one sandbox process is made of. */
export interface EnvironmentParts {
  /** The server's own environment; only `PATH`, the locale, the time zone and the user's name are taken from it. */
  readonly server: Environment;
  readonly folders: SandboxFolders;
  /** The thread's own folder for temporary files. */
  readonly temporaryFolder: string;
  /** The command's additions; they win over the basics. */
  readonly added: Readonly<Record<string, string>>;
  /** The variables by which the process and its descendants are found again; they win over everything. */
  readonly markers: Readonly<Record<string, string>>;
}

/** The environment of a sandbox process: a few basics and what the command adds, nothing else of the server's. */
export function sandboxEnvironment(parts: EnvironmentParts): Record<string, string> {
  const { server, folders } = parts;
  const user = server['USER'] ?? server['LOGNAME'] ?? 'chiron';
  return {
    PATH: sandboxPath(server['PATH']),
    HOME: folders.home,
    // Set here, because some shells export it anyway.
    PWD: folders.workspace,
    TMPDIR: parts.temporaryFolder,
    LANG: server['LANG'] ?? 'C.UTF-8',
    ...pick(server, ['LC_ALL', 'TZ']),
    TERM: 'dumb',
    USER: user,
    LOGNAME: user,
    // Not the server's own: that may be `nologin`, or a shell that the agents' tools do not speak.
    SHELL: findProgram('/bin/bash', undefined) ?? '/bin/sh',
    ...parts.added,
    ...parts.markers,
  };
}

/**
 * The server's `PATH` for the sandbox: without what npm puts in front of it for a script (this project's own tools would
 * otherwise hide the workspace's), and without entries relative to the working directory, which the agent can write to.
 * When that takes away `node`, on which the harnesses' launchers depend, the server's own comes last.
 */
export function sandboxPath(path: string | undefined, nodeProgram: string = process.execPath): string {
  const entries = (path ?? '').split(delimiter).filter((entry) => isAbsolute(entry) && !isNpmFolder(entry));
  const kept = entries.length > 0 ? entries : ['/usr/local/bin', '/usr/bin', '/bin'];
  const hasNode = findProgram('node', kept.join(delimiter)) !== undefined;
  return (hasNode ? kept : [...kept, dirname(nodeProgram)]).join(delimiter);
}

function isNpmFolder(entry: string): boolean {
  return /(^|\/)node_modules\/\.bin(\/|$)/.test(entry) || /\/node-gyp-bin\/?$/.test(entry);
}

function pick(environment: Environment, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
