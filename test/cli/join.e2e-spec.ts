// Over 250 lines: stand-ins for the clients, and each way in which the command starts one.
import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import supertest from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { KeyStore } from '../../src/storage/stores/key.store.js';
import { TenantStore } from '../../src/storage/stores/tenant.store.js';
import { eventually } from '../support/eventually.js';
import { ask, thread } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { type Run, runChiron } from './run-chiron.js';

vi.setConfig({ testTimeout: 60_000 });

/** Stands for a client: prints how it was started, and exits with 42. */
const CLIENT = `#!${process.execPath}
const { argv, env } = process;
console.log(JSON.stringify({ args: argv.slice(2), env, cwd: process.cwd() }));
process.exit(42);
`;

let app: TestApp;
let key = '';
let home = '';

beforeAll(async () => {
  app = await startTestApp();
  app.harness.onRun = (run) => run.answer('fine');
  await app.app.get(TenantStore).create('team', 'cli');
  key = (await app.app.get(KeyStore).create({ tenant: 'team', role: 'user' }, 'cli'))?.secret ?? '';
  for (const text of ['one', 'two'])
    await supertest(app.url)
      .post('/v1/messages')
      .set({ ...thread('joined'), 'x-api-key': key })
      .send(ask(text))
      .expect(200);
});
beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'chiron-join-')));
  return () => rm(home, { recursive: true, force: true });
});
afterAll(() => app.close());

async function install(...names: readonly string[]): Promise<string> {
  const folder = join(home, 'bin');
  await mkdir(folder, { recursive: true });
  for (const name of names) {
    await writeFile(join(folder, name), CLIENT);
    await chmod(join(folder, name), 0o755);
  }
  return folder;
}

async function joinWith(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  clients: readonly string[] = ['claude', 'codex'],
): Promise<Run> {
  const PATH = await install(...clients);
  return runChiron(home, ['join', ...args], { PATH, CHIRON_URL: app.url, CHIRON_API_KEY: key, ...environment });
}

/** All files below the home but the clients. */
async function written(): Promise<readonly string[]> {
  const all = await readdir(home, { recursive: true, withFileTypes: true });
  const files = all.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.map((file) => file.slice(home.length + 1)).filter((file) => !file.startsWith('bin/'));
}

const startOf = ({ stdout }: Run) =>
  JSON.parse(stdout) as {
    readonly args: readonly string[];
    readonly env: Record<string, string>;
    readonly cwd: string;
  };

describe('chiron join', () => {
  it('starts Claude Code on the conversation, with the server, the key and the thread, and ends as it does', async () => {
    const run = await joinWith(['test:joined'], { ANTHROPIC_API_KEY: 'of Anthropic' });
    expect([run.status, run.stderr]).toEqual([42, 'Joined test:joined with its 2 turns.\n']);
    const { args, env, cwd } = startOf(run);
    expect([args[0], cwd]).toEqual(['--resume', home]);
    expect(env).toMatchObject({
      ANTHROPIC_BASE_URL: app.url,
      ANTHROPIC_AUTH_TOKEN: key,
      ANTHROPIC_CUSTOM_HEADERS: 'x-chiron-thread-key: test:joined\nx-chiron-known-turns: 1-2',
    });
    expect(env).not.toHaveProperty('ANTHROPIC_API_KEY');
    const [file = ''] = await written();
    expect(await written()).toEqual([`.claude/projects/${home.replaceAll(/[^a-zA-Z0-9]/g, '-')}/${args[1]}.jsonl`]);
    expect((await stat(join(home, file))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(home, file), 'utf8')).toContain('"text":"two"');
  });

  it('starts Codex on it, without a change of the user’s configuration', async () => {
    const run = await joinWith(['test:joined', '--client', 'codex']);
    expect(run.status).toBe(42);
    const { args, env } = startOf(run);
    expect(env['CHIRON_API_KEY']).toBe(key);
    expect(args.slice(0, 2)).toEqual(['resume', expect.stringMatching(/^[\da-f-]{36}$/)]);
    expect(args.join(' ')).toContain('"x-chiron-thread-key" = "test:joined", "x-chiron-known-turns" = "1-2"');
    expect(args.join(' ')).not.toContain(key);
    const files = await written();
    expect(files.map((file) => dirname(file).split('/').slice(0, 2).join('/')).toSorted()).toEqual([
      '.codex',
      '.codex/sessions',
    ]);
    expect(files).not.toContain('.codex/config.toml');
  });

  it('takes the client that is installed', async () => {
    expect(startOf(await joinWith(['test:joined'], {}, ['codex'])).args[0]).toBe('resume');
  });

  it('is pointed to the server by the variables of the clients, and keeps their other headers', async () => {
    const run = await joinWith(['test:joined', '--client', 'claude'], {
      CHIRON_URL: '',
      CHIRON_API_KEY: '',
      ANTHROPIC_BASE_URL: `${app.url}/`,
      ANTHROPIC_AUTH_TOKEN: key,
      ANTHROPIC_CUSTOM_HEADERS: 'x-gateway: a\nX-Chiron-Thread-Key: test:other',
    });
    expect(startOf(run).env['ANTHROPIC_CUSTOM_HEADERS']?.split('\n')).toEqual([
      'x-gateway: a',
      'x-chiron-thread-key: test:joined',
      'x-chiron-known-turns: 1-2',
    ]);
  });

  it('sends these headers itself, and prints none of them', async () => {
    const seen: unknown[] = [];
    app.server.on('request', ({ headers }: IncomingMessage) => seen.push(headers['x-gateway']));
    const run = await joinWith(['test:joined', '--client', 'claude', '--print'], {
      ANTHROPIC_BASE_URL: app.url,
      ANTHROPIC_CUSTOM_HEADERS: 'x-gateway: hidden',
    });
    expect([run.status, new Set(seen)]).toEqual([0, new Set(['hidden'])]);
    expect(run.stdout).toContain(
      `ANTHROPIC_CUSTOM_HEADERS="$ANTHROPIC_CUSTOM_HEADERS"$'\\nx-chiron-thread-key: test:joined`,
    );
    expect(run.stdout).not.toContain('hidden');
  });

  it('prints only the line to paste, which has no key, and starts nothing', async () => {
    const run = await joinWith(['test:joined', '--print']);
    expect([run.status, run.stderr]).toEqual([0, '']);
    expect(run.stdout).toMatch(/^cd \S+ && env .* ANTHROPIC_AUTH_TOKEN="\$CHIRON_API_KEY" .* claude --resume \S+\n$/);
    expect(run.stdout).not.toContain(key);
    expect(await written()).toHaveLength(1);
  });

  it.each(['--print', '--no-start'])(
    'says with %s that a key of the command line must be in the variable',
    async (how) => {
      const run = await joinWith(['test:joined', how, '--key', key], { CHIRON_API_KEY: '' });
      expect([run.status, run.stderr]).toEqual([0, expect.stringMatching(/^Set CHIRON_API_KEY to the key before /)]);
      expect(run.stdout + run.stderr).not.toContain(key);
    },
  );

  it('says where the conversation is, and how to start', async () => {
    const run = await joinWith(['test:joined', '--no-start']);
    const [file] = await written();
    expect([run.status, run.stdout]).toEqual([
      0,
      expect.stringContaining(`The conversation is in ${join(home, file ?? '')}\n`),
    ]);
  });

  it('starts a client on a thread without turns, without a conversation', async () => {
    const url = '/api/session/test%3Aempty';
    await supertest(app.url).post(url).set({ 'x-api-key': key }).send({ harness_type: 'claudecode' }).expect(200);
    const { args, env } = startOf(await joinWith(['test:empty']));
    expect([args, env['ANTHROPIC_CUSTOM_HEADERS']]).toEqual([[], 'x-chiron-thread-key: test:empty']);
    expect(await written()).toEqual([]);
  });

  it('refuses a thread with a running turn, or waits for its end', async () => {
    app.harness.onRun = () => undefined;
    let asked = 0;
    app.server.on('request', ({ url }: IncomingMessage) => (asked += url?.includes('/history') === true ? 1 : 0));
    const headers = { ...thread('busy'), 'x-api-key': key };
    const answer = supertest(app.url)
      .post('/v1/messages')
      .set(headers)
      .send(ask('work'))
      .then((response) => response);
    const turn = await app.harness.run('work');
    expect(await joinWith(['test:busy'])).toMatchObject({
      status: 6,
      stdout: '',
      stderr: 'Chiron cannot join the thread: a turn of it is running. Wait for its end, or add --wait.\n',
    });
    expect(await written()).toEqual([]);
    const waiting = joinWith(['test:busy', '--wait', '--print']);
    const before = asked;
    await eventually(() => asked - before).toBeGreaterThan(1);
    turn.answer('done');
    await answer;
    expect(await waiting).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('Waiting for its end') as string,
    });
    const [file = ''] = await written();
    expect(await readFile(join(home, file), 'utf8')).toContain('"text":"done"');
    app.harness.onRun = (run) => run.answer('fine');
  });

  it.each([
    [
      'an unknown thread',
      ['test:nobody'],
      {},
      5,
      /^Chiron cannot join the thread: \S+ has none of this key for this user\.\n$/,
    ],
    ['a key that is no thread’s', ['nobody'], {}, 5, /thread_key must be namespaced/],
    ['a wrong key', ['test:joined', '--key', 'wrong'], {}, 4, /invalid bearer token\. Check the key\.\n$/],
    [
      'no key',
      ['test:joined'],
      { CHIRON_API_KEY: '' },
      4,
      /missing bearer token\. Set CHIRON_API_KEY, or use --key\.\n$/,
    ],
    ['no server', ['test:joined', '--url', 'http://127.0.0.1:9'], {}, 3, /http:\/\/127\.0\.0\.1:9 is not reachable/],
    [
      'an address that is none',
      ['test:joined', '--url', 'somewhere'],
      {},
      1,
      /somewhere is not the address of a server/,
    ],
    ['an unknown client', ['test:joined', '--client', 'emacs'], {}, 1, /Allowed choices are claude, codex/],
  ])('refuses %s in a sentence, and writes nothing', async (_, args, environment, status, text) => {
    const run = await joinWith(args, environment);
    expect([run.status, run.stdout]).toEqual([status, '']);
    expect(run.stderr).toMatch(text);
    expect(run.stderr).not.toMatch(/^\s+at /m);
    expect(await written()).toEqual([]);
  });

  it('refuses a machine without a client, and says how to install one', async () => {
    const run = await joinWith(['test:joined'], {}, []);
    expect([run.status, run.stderr]).toEqual([
      7,
      expect.stringMatching(/neither claude nor codex on PATH\. Install it: npm install -g /),
    ]);
    const one = await joinWith(['test:joined', '--client', 'codex'], {}, ['claude']);
    expect([one.status, one.stderr]).toEqual([7, expect.stringMatching(/there is no codex on PATH/)]);
    expect(await written()).toEqual([]);
  });

  it.each([
    [
      'is no Chiron',
      (response: ServerResponse) => response.writeHead(404).end('<html>not here</html>'),
      'is no Chiron, or one that is too old',
    ],
    [
      'redirects elsewhere',
      (response: ServerResponse) => response.writeHead(307, { location: app.url }).end(),
      'redirects to another address',
    ],
  ])('refuses a server that %s', async (_, answer, told) => {
    const other = createServer((__, response) => answer(response));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
      const run = await joinWith(['test:joined', '--url', url]);
      expect([run.status, run.stderr]).toEqual([3, expect.stringContaining(told)]);
    } finally {
      other.close();
    }
  });
});
