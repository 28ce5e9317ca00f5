import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LandlockSandbox } from './landlock.sandbox.js';
import { findLandlockProblem } from './probe.js';

const folder = mkdtempSync(join(tmpdir(), 'chiron-landlock-'));
chmodSync(folder, 0o711);
const OPTIONS = { dataDirectory: join(folder, 'data'), workspaceTemplate: undefined, homeTemplate: undefined };
const problem = await findLandlockProblem(OPTIONS);
if (problem !== undefined) process.stderr.write(`Skipped: Landlock does not work here. ${problem}\n`);

describe.skipIf(problem !== undefined)('under Landlock', () => {
  const sandbox = new LandlockSandbox(OPTIONS);

  afterAll(async () => {
    await sandbox.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (command: string, ...args: readonly string[]) => sandbox.run(command, args, 30_000);

  it.each([
    [
      'Node lists the interfaces, listens, and talks to its children',
      'node',
      '-e',
      `require('os').networkInterfaces().lo[0].address === '127.0.0.1' || process.exit(1);
       const child = require('child_process').fork('-e', ['process.send(1)'], { execArgv: [] , silent: true});
       child.on('error', () => undefined);
       require('net').createServer().listen(0, '127.0.0.1', () => { console.log('works'); process.exit(0); });`,
    ],
    [
      'Python runs an event loop, and processes with a pipe',
      '/usr/bin/python3',
      '-c',
      `import asyncio, multiprocessing, socket
asyncio.run(asyncio.sleep(0))
context = multiprocessing.get_context('fork')
mine, theirs = context.Pipe(); child = context.Process(target=theirs.send, args=(1,)); child.start()
assert mine.recv() == 1; child.join()
one, other = socket.socketpair(); one.send(b'x'); other.recv(1)
assert socket.gethostbyname('localhost') == '127.0.0.1'
print('works')`,
    ],
    [
      'git makes a repository and clones it',
      'sh',
      '-c',
      'git init -q one && git -C one -c user.name=a -c user.email=b commit -q --allow-empty -m c && git clone -q one two && echo works',
    ],
  ])('%s', async (_, command, ...args) => {
    expect(await run(command, ...args)).toEqual({ kind: 'done', output: 'works\n' });
  });

  it('a name is not resolved, and says so at once', async () => {
    const script = `import socket
try: socket.getaddrinfo('example.com', 80); print('resolved')
except socket.gaierror: print('no name')`;
    expect(await run('/usr/bin/python3', '-c', script)).toEqual({ kind: 'done', output: 'no name\n' });
  });

  it('curl says that it may not connect', async () => {
    const told = await run('sh', '-c', 'curl -sS -m 5 http://127.0.0.1:9/ 2>&1; echo "($?)"');
    expect(told).toMatchObject({ output: expect.stringMatching(/connect.*\(7\)/s) });
  });
});
