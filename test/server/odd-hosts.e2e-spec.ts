import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { freePort } from '../support/free-port.js';
import { ask } from '../support/requests.js';
import {
  canBe,
  MAIN,
  newFolder,
  removeFolder,
  startMain,
  type Start,
  type StartOptions,
  urlOf,
} from '../support/start-main.js';

vi.setConfig({ testTimeout: 60_000 });

/** A numbered user without a name, a home or a group. */
const NOBODY = ['setpriv', '--reuid=12345', '--regid=12345', '--clear-groups'];
/** In a mount namespace of its own, after a command. */
const mounting = (command: string): readonly string[] => ['unshare', '-m', 'sh', '-c', `${command} && exec "$@"`, 'sh'];
const shell = (command: string): readonly string[] => ['sh', '-c', `${command} exec "$@"`, 'sh'];

const canBeNobody = canBe([...NOBODY, process.execPath, '--check', MAIN]);
const canMount = canBe(['unshare', '-m', 'true']);
if (!canBeNobody || !canMount) console.log('Some odd hosts are not tried: that needs root, setpriv and unshare.');

interface Host extends Partial<StartOptions> {
  /** Makes what is odd about it, in the folder where the server is started. */
  readonly make?: (folder: string) => void;
  readonly needs?: boolean;
  /** Where it is not in the folder. */
  readonly data?: string;
}

let folder: string;
let start: Start | undefined;

beforeEach(() => {
  folder = newFolder();
  chmodSync(folder, 0o777);
});

afterEach(async () => {
  start?.signal('SIGKILL');
  await start?.exit;
  start = undefined;
  removeFolder(folder);
});

async function startOn(host: Host): Promise<Start> {
  host.make?.(folder);
  const { environment = {}, by = [], data } = host;
  // `%` stands for the folder.
  const variables = Object.entries({
    // An odd host may lack what a kind needs. The server is to find out itself, whatever kind the suite runs with.
    CHIRON_SANDBOX: 'auto',
    ...(data === undefined ? {} : { CHIRON_DATA_DIR: data }),
    ...environment,
  });
  start = await startMain({
    cwd: folder,
    by,
    environment: Object.fromEntries(variables.map(([name, value]) => [name, value.replaceAll('%', folder)])),
  });
  return start;
}

const linkPrograms = (at: string): void => {
  mkdirSync(join(at, 'few'));
  for (const name of ['sh', 'grep', 'sleep', 'echo']) symlinkSync(`/bin/${name}`, join(at, 'few', name));
};

const WORKS: readonly (readonly [string, Host])[] = [
  [
    'with a folder on PATH that is closed to it',
    {
      make: (at) => mkdirSync(join(at, 'closed', 'bin'), { recursive: true, mode: 0o700 }),
      environment: { PATH: '%/closed/bin:/usr/bin:/bin' },
      by: NOBODY,
      needs: canBeNobody,
    },
  ],
  [
    'with a loop, a file, a long name and relative entries on PATH',
    {
      make: (at) => symlinkSync(join(at, 'loop'), join(at, 'loop')),
      environment: { PATH: `%/loop:${MAIN}:relative:.::/${'x'.repeat(5000)}:/usr/bin:/bin` },
    },
  ],
  ['without ps, and whatever else is not needed', { make: linkPrograms, environment: { PATH: '%/few' } }],
  ['without bash', { by: mounting('mount --bind /dev/null /bin/bash'), needs: canMount }],
  ['as a user without a name and a home', { by: NOBODY, needs: canBeNobody }],
  ['with a home that cannot be written', { environment: { HOME: '/proc/nowhere' } }],
  ['on ::1', { environment: { HOST: '::1' } }],
  ['on an IPv6 address in brackets', { environment: { HOST: '[0:0:0:0:0:0:0:1]' } }],
  [
    'in an odd zone and language, without a folder for temporary files',
    { environment: { TZ: 'No/where', LANG: 'xx_YY.ZZ', LC_ALL: 'zz', TMPDIR: '/nowhere' } },
  ],
  ['with spaces, a line end and other letters in its data folder', { data: '%/a b/ü\n中 "\'$x' }],
  ['with few open files', { by: shell('ulimit -n 300;') }],
  [
    'on a disk that is full but for what it needs',
    {
      by: mounting('mkdir data && mount -t tmpfs -o size=8m none data'),
      needs: canMount,
      environment: { CHIRON_MIN_FREE_DISK_MB: '0' },
    },
  ],
];

describe('the server works', () => {
  it.each(WORKS)('%s', async (_, host) => {
    if (host.needs === false) return console.log('Not tried: it needs root, setpriv and unshare.');
    const started = await startOn(host);
    const answer = await fetch(`${urlOf(started)}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(ask('!echo it "$SHELL" runs', { model: 'demo' })),
    });
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringMatching(/it \/bin\/(ba)?sh runs/)]);
    expect(started.output()).not.toMatch(/^\s+at /m);
  });

  it('on a disk that takes no more of its log', async () => {
    const port = await freePort();
    const started = startOn({ by: shell('exec >/dev/full; echo $$ >pid;'), environment: { PORT: String(port) } });
    await expect.poll(() => reach(port, '/healthz'), { timeout: 30_000 }).toBe(200);
    for (let count = 0; count < 5; count += 1) expect(await reach(port, '/v1/nothing')).toBe(404);
    process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 'SIGTERM');
    expect(await (await started).exit).toBe(0);
  });
});

const REFUSED: readonly (readonly [string, Host, RegExp])[] = [
  [
    'a host that nobody knows',
    { environment: { HOST: 'no.such.invalid', CHIRON_API_KEYS: `a:${'k'.repeat(32)}` } },
    /the host name/,
  ],
  [
    'an address of another host',
    { environment: { HOST: '192.0.2.1', CHIRON_API_KEYS: `a:${'k'.repeat(32)}` } },
    /192\.0\.2\.1 port 0: this host does not have that address/,
  ],
  [
    'a port for root alone',
    { environment: { PORT: '81' }, by: NOBODY, needs: canBeNobody },
    /this user may not use that port/,
  ],
  ['a data folder below /proc', { data: '/proc/nowhere/data' }, /data folder \/proc\/nowhere\/data: ENOENT/],
  ['a data folder that is a file', { data: MAIN }, /data folder \S+: EEXIST/],
  ['a data folder below a file', { data: `${MAIN}/data` }, /data folder \S+: ENOTDIR/],
  ['a data folder of another user', { data: '/usr/share', by: NOBODY, needs: canBeNobody }, /data folder \S+: EACCES/],
  [
    'a data folder that is a link to nothing',
    { make: (at) => symlinkSync('/nowhere/at/all', join(at, 'data')) },
    /data folder \S+: EEXIST/,
  ],
  [
    'a disk that is read-only',
    { by: mounting('mkdir data && mount -t tmpfs -o ro none data'), needs: canMount },
    /data folder \S+: EROFS/,
  ],
  [
    'a disk that is full',
    { by: mounting('mkdir data && mount -t tmpfs -o size=16k none data'), needs: canMount },
    /its disk is full/,
  ],
  [
    'a disk that takes no more files',
    { by: mounting('mkdir data && mount -t tmpfs -o nr_inodes=2 none data'), needs: canMount },
    /its disk has no free inodes/,
  ],
  [
    'a .env that is a folder',
    { make: (at) => mkdirSync(join(at, '.env')) },
    /cannot read \.env in the folder where it was started: EISDIR/,
  ],
  [
    'a .env that is closed to it',
    { make: (at) => writeFileSync(join(at, '.env'), 'PORT=1', { mode: 0o600 }), by: NOBODY, needs: canBeNobody },
    /cannot read \.env in the folder where it was started: EACCES/,
  ],
  [
    'a current folder that is gone',
    { by: shell('mkdir gone; cd gone; rmdir ../gone;') },
    /cannot start in this folder/,
  ],
  [
    'too few open files',
    { by: shell('ulimit -n 200;') },
    /needs 256 open files or more \(ulimit -n\); this process may have 200/,
  ],
  [
    'no shell',
    { by: mounting('mount --bind /dev/null "$(readlink -f /bin/sh)"'), needs: canMount },
    /cannot start without \/bin\/sh/,
  ],
];

describe('the server reports in one line why it cannot start', () => {
  it.each(REFUSED)('with %s', async (_, host, words) => {
    if (host.needs === false) return console.log('Not tried: it needs root, setpriv and unshare.');
    const { url, exit, output } = await startOn(host);
    expect(url).toBeUndefined();
    expect(await exit).toBe(1);
    expect(output()).toMatch(words);
    expect(output()).toMatch(/^Chiron [^\n]+\n$/);
  });

  it('with a port that another program has', async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) => {
      other.listen(0, '127.0.0.1', () => resolve(portOf(other.address())));
    });
    try {
      const { exit, output } = await startOn({ environment: { PORT: String(port) } });
      expect(await exit).toBe(1);
      expect(output()).toBe(`Chiron cannot listen on 127.0.0.1 port ${port}: another program listens there.\n`);
    } finally {
      other.close();
    }
  });
});

function portOf(address: ReturnType<ReturnType<typeof createServer>['address']>): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function reach(port: number, path: string): Promise<number> {
  try {
    return (await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(5000) })).status;
  } catch {
    return 0;
  }
}
