// Stands for a Chiron server: `node server.mjs <folder of the compiled sandbox> <data folder>`. It starts programs that
// leave their group and their parent in every way that agents' tools do, and prints what the test needs to find them.
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

const [, , compiled, dataDirectory] = process.argv;
const { LocalSandbox } = await import(pathToFileURL(join(compiled, 'local', 'local.sandbox.js')).href);
const sandbox = new LocalSandbox({ dataDirectory, workspaceTemplate: undefined, homeTemplate: undefined });

const script = `
setsid sleep 1001 &
(setsid sh -c 'trap "" TERM HUP; sleep 1002; :' &)
sleep 1003 &
env -i sleep 1004 &
echo "$CHIRON_SERVER"
exec sleep 1005`;

for (const threadId of ['one', 'two']) {
  const folders = await sandbox.prepare(threadId);
  const started = sandbox.spawn({ threadId, folders, command: 'sh', args: ['-c', script], env: {} });
  started.lines$.subscribe((lines) => lines.forEach((line) => console.log(line)));
}
