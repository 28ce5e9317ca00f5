import { delimiter, dirname, isAbsolute } from 'node:path';
import { findProgram } from './process/find-program.js';
import type { SandboxFolders } from './sandbox.js';

/** An environment as Node gives it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Sources of the environment of a sandbox process. */
export interface EnvironmentParts {
  /** The server's own environment; only `PATH`, the locale, the time zone and the user's name are taken from it. */
  readonly server: Environment;
  readonly folders: SandboxFolders;
  /** The thread's own folder for temporary files. */
  readonly temporaryFolder: string;
  /** The command's additions; they win over the basics. */
  readonly added: Readonly<Record<string, string>>;
  /** Variables that identify the process and its descendants; they win over everything. */
  readonly markers: Readonly<Record<string, string>>;
}

/** Builds the environment of a sandbox process: a few basic variables and those of the command, nothing else from the server. */
export function buildEnvironment(parts: EnvironmentParts): Record<string, string> {
  const { server, folders } = parts;
  const user = server['USER'] ?? server['LOGNAME'] ?? 'chiron';
  return {
    PATH: buildPath(server['PATH']),
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
 * The server's `PATH` for the sandbox, without the folders that npm prepends for scripts (this project's own tools would hide the
 * workspace's) and without relative entries, as the agent can write to the working directory. If that removes `node`, which the
 * harnesses' launchers need, the folder of the server's own Node is appended.
 */
export function buildPath(path: string | undefined, nodeProgram: string = process.execPath): string {
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
