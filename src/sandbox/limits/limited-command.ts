import type { ThreadLimits } from './cgroups.js';

/**
 * Puts the limits that a process sets for itself and its descendants before a command line. For a user namespace, in which the kernel counts the
 * processes of the namespace only (since Linux 5.14), or a user of the thread's own: elsewhere all processes of the user would count.
 */
export function toLimitedCommand(limits: ThreadLimits | undefined, command: readonly string[]): readonly string[] {
  const options = [
    ...(limits?.processes === undefined ? [] : [`--nproc=${limits.processes}`]),
    ...(limits?.openFiles === undefined ? [] : [`--nofile=${limits.openFiles}`]),
  ];
  return options.length === 0 ? command : ['prlimit', ...options, '--', ...command];
}
