import { fileURLToPath } from 'node:url';
import { ownFile } from '../own-files.js';

/**
 * A minimal init: runs its arguments as a child, forwards signals, and exits with the child's status. A shell that waits for one child
 * reaps all others too, so that the orphans that the kernel reparents to process 1 do not remain as zombies. `wait` also returns when
 * a signal was forwarded; the child is then still running.
 */
export const INIT_SCRIPT = `
for signal in HUP INT QUIT TERM USR1 USR2; do trap "kill -$signal \\$server 2>/dev/null" $signal; done
"$0" "$@" &
server=$!
while :; do
  wait "$server"
  status=$?
  kill -0 "$server" 2>/dev/null || exit "$status"
done
`;

/** The program of the server with its arguments, as this process was started. */
export function listServerCommand(): readonly string[] {
  return [process.execPath, ...process.execArgv, fileURLToPath(ownFile('main.js')), ...process.argv.slice(2)];
}

/**
 * As process 1 of a container, replaces this process with {@link INIT_SCRIPT}, which starts it again, and does not return: orphans
 * become children of process 1, and Node does not reap children that it did not start. Does nothing in any other process.
 */
export function startUnderInit(): void {
  if (process.pid !== 1 || process.execve === undefined) return;
  process.execve('/bin/sh', ['sh', '-c', INIT_SCRIPT, ...listServerCommand()], process.env);
}
