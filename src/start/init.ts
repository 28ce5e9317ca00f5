import { fileURLToPath } from 'node:url';

/**
 * A minimal init: runs its arguments as a child, passes signals on, and ends as the child does. A shell that waits for one child
 * collects every other one too, so the orphans that the kernel hands to process 1 do not stay as zombies. `wait` also returns when
 * a signal was passed on; the child is then still there.
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

/**
 * As process 1 of a container, replaces this process by {@link INIT_SCRIPT} that starts it again, and does not return: orphans
 * become children of process 1, and Node collects no children that it did not start. Does nothing in any other process.
 */
export function startUnderInit(): void {
  if (process.pid !== 1 || process.execve === undefined) return;
  const main = fileURLToPath(new URL('../main.js', import.meta.url));
  const server = [process.execPath, ...process.execArgv, main, ...process.argv.slice(2)];
  process.execve('/bin/sh', ['sh', '-c', INIT_SCRIPT, ...server], process.env);
}
