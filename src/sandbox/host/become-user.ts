import { spawn } from 'node:child_process';
import { lstatSync } from 'node:fs';
import { findProgram } from '../process/find-program.js';

/** The command line that becomes a user without any privilege, before that of a program. */
export function becomeUser(userId: number): readonly string[] {
  const id = String(userId);
  const setpriv = findProgram('setpriv', process.env['PATH']) ?? '/usr/bin/setpriv';
  const dropped = ['--bounding-set', '-all', '--inh-caps', '-all', '--no-new-privs'];
  return [setpriv, '--reuid', id, '--regid', id, '--clear-groups', ...dropped];
}

/** Kills every process of a user, also one that has left its group, its session and its variables. Resolves when they have been signalled. */
export function killUser(userId: number): Promise<void> {
  const [command = 'setpriv', ...args] = becomeUser(userId);
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args, '/bin/sh', '-c', 'kill -KILL -1'], { stdio: 'ignore' });
    child.once('error', reject);
    child.once('exit', () => resolve());
  });
}

/** The user id that owns a folder; `undefined` if it is not there, which the start of the program then reports. */
export function readOwner(folder: string): number | undefined {
  return lstatSync(folder, { throwIfNoEntry: false })?.uid;
}
