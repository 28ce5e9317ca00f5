import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { claudeCode } from '../../src/harness/claude-code/definition.js';
import { startIdentityProvider } from '../support/identity-provider.js';
import { newFolder, removeFolder, startMain } from '../support/start-main.js';
import { type Run, runChiron } from './run-chiron.js';

vi.setConfig({ testTimeout: 120_000 });

type Variables = Readonly<Record<string, string>>;

interface Report {
  readonly ok: boolean;
  readonly findings: readonly {
    readonly area: string;
    readonly status: string;
    readonly message: string;
    readonly remedy?: string;
  }[];
}

let folder: string;

beforeEach(() => {
  folder = newFolder();
});
afterEach(() => removeFolder(folder));

/** In a folder where the only programs are those of the system, and agents that tests have installed. */
const chiron = (args: readonly string[], environment: Variables = {}): Promise<Run> =>
  runChiron(folder, args, { PATH: `${folder}/bin:/usr/bin:/bin`, CHIRON_SANDBOX: 'local', ...environment });

async function examine(environment: Variables = {}, ...args: readonly string[]): Promise<Report & { status: unknown }> {
  const { status, stdout, stderr } = await chiron(['doctor', '--json', ...args], environment);
  expect(stderr).toBe('');
  return { status, ...(JSON.parse(stdout) as Report) };
}

function installAgent(name: string, version: string): void {
  mkdirSync(join(folder, 'bin'), { recursive: true });
  writeFileSync(join(folder, 'bin', name), `#!/bin/sh\necho "${version}"\n`, { mode: 0o755 });
}

const saying = (text: string, more: object = {}): unknown =>
  expect.objectContaining({ message: expect.stringContaining(text) as string, ...more });

describe('chiron doctor', () => {
  it('says what works, what does not and what to do, and changes nothing', async () => {
    installAgent('claude', claudeCode.npmPackage?.version ?? '');
    const key = 'sk-secret-of-the-provider';
    const { status, stdout, stderr } = await chiron(['doctor'], { ANTHROPIC_API_KEY: key });
    expect([status, stderr]).toEqual([0, '']);
    const lines = stdout.split('\n');
    expect(lines).toContainEqual(expect.stringMatching(/^ok {7}node {6}Node \d+\.\d+\.\d+/));
    expect(lines).toContainEqual(expect.stringMatching(/^ok {7}store {5}There is no store yet; the first server/));
    expect(lines).toContainEqual(expect.stringMatching(/^warning {2}sandbox {3}local/));
    expect(lines).toContainEqual(expect.stringMatching(/^ok {7}agents {4}Claude Code .* is tested with\.$/));
    expect(lines).toContain('ok       agents    Claude Code has a login: ANTHROPIC_API_KEY.');
    const missing = lines.indexOf('warning  agents    Codex was not found.');
    expect(lines[missing + 1]).toContain('→ chiron agents install codex, or set CHIRON_CODEX_BIN');
    expect(stdout).toMatch(/\n\nEverything that the server needs works\. Warnings: \d+\.\n$/);
    expect(stdout).not.toContain(key);
    expect(readdirSync(folder)).toEqual(['bin']);
  });

  it('names settings that are refused, without their values, and its status is 1', async () => {
    const { status, ok, findings } = await examine({ PORT: 'secret', CHIRON_API_KEYS: 'secret' });
    expect([status, ok]).toEqual([1, false]);
    expect(findings).toContainEqual(saying('PORT must', { area: 'settings', status: 'problem' }));
    expect(findings).toContainEqual(saying('CHIRON_API_KEYS must', { area: 'settings', status: 'problem' }));
    expect(JSON.stringify(findings)).not.toContain('secret');
  });

  it('finds what the start would refuse: an open address, a missing agent, a sandbox that does not work', async () => {
    const open = await examine({ HOST: '0.0.0.0' });
    expect(open.findings).toContainEqual(saying('CHIRON_API_KEYS is required', { status: 'problem' }));
    const agent = await examine({ CHIRON_DEFAULT_HARNESS: 'codex' });
    expect(agent.findings).toContainEqual(saying('CHIRON_DEFAULT_HARNESS is codex, but', { status: 'problem' }));
    const sandbox = await examine({ CHIRON_SANDBOX: 'bubblewrap', PATH: `${folder}/bin` });
    expect(sandbox.findings).toContainEqual(saying('CHIRON_SANDBOX=bubblewrap does not work', { status: 'problem' }));
    expect([open.status, agent.status, sandbox.status]).toEqual([1, 1, 1]);
  });

  it('warns of an agent of another version, and of one without a login', async () => {
    installAgent('claude', '1.2.3');
    const { status, findings } = await examine();
    expect(status).toBe(0);
    expect(findings).toContainEqual(saying('1.2.3 works; this Chiron is tested with', { status: 'warning' }));
    expect(findings).toContainEqual(saying('Claude Code has no login', { status: 'warning' }));
  });

  it('says why an agent that is there does not work', async () => {
    installAgent('codex', 'no version');
    const { findings } = await examine();
    expect(findings).toContainEqual(saying('codex --version prints no version', { status: 'warning' }));
  });

  it('finds the store in use by a server in order, and the server untouched', async () => {
    const start = await startMain({ cwd: folder });
    const { status, findings } = await examine();
    expect(findings).toContainEqual(saying('has the schema of this version', { status: 'ok' }));
    expect(findings).toContainEqual(saying('It can be written', { status: 'ok' }));
    expect(status).toBe(0);
    expect((await fetch(`${start.url}/readyz`)).status).toBe(200);
    start.signal('SIGTERM');
    expect(await start.exit).toBe(0);
  });

  it('does not migrate an older store, and finds that a newer one cannot be used', async () => {
    await chiron(['migrate']);
    const file = join(folder, 'data', 'chiron.sqlite');
    const change = (text: string): void => {
      const database = new DatabaseSync(file);
      database.exec(text);
      database.close();
    };
    change("delete from kysely_migration where name >= '0003'");
    const older = await examine();
    expect(older.status).toBe(0);
    expect(older.findings).toContainEqual(saying('migrations that it lacks', { area: 'store', status: 'warning' }));
    change("insert into kysely_migration (name, timestamp) values ('9999-later', '2030-01-01')");
    const newer = await examine();
    expect(newer.status).toBe(1);
    expect(newer.findings).toContainEqual(saying('a newer version of Chiron has changed it (9999-later)'));
  });

  it('finds a store that is none, a database that does not answer, and a disk that is almost full', async () => {
    mkdirSync(join(folder, 'data'));
    writeFileSync(join(folder, 'data', 'chiron.sqlite'), 'no database '.repeat(100));
    const broken = await examine();
    expect(broken.findings).toContainEqual(saying('cannot open the store', { area: 'store', status: 'problem' }));
    const url = 'postgres://user:hush@127.0.0.1:1/chiron';
    const away = await examine({ CHIRON_DATABASE_URL: url, CHIRON_MIN_FREE_DISK_MB: '1000000000' });
    expect(away.findings).toContainEqual(saying('ECONNREFUSED', { area: 'store', status: 'problem' }));
    expect(away.findings).toContainEqual(saying('new turns are refused', { area: 'disk', status: 'problem' }));
    expect(JSON.stringify(away.findings)).not.toContain('hush');
    expect([broken.status, away.status]).toEqual([1, 1]);
  });

  it('asks the providers for a sign of life only when it is told to, and never with a key', async () => {
    installAgent('claude', '2.0.0');
    const asked: unknown[] = [];
    const model = createServer(({ headers }, response) => {
      asked.push(headers);
      response.writeHead(401).end();
    }).listen(0, '127.0.0.1');
    await once(model, 'listening');
    const address = model.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const identity = await startIdentityProvider({});
    const environment = {
      ANTHROPIC_API_KEY: 'sk-secret',
      ANTHROPIC_BASE_URL: `http://127.0.0.1:${port}`,
      CHIRON_OIDC_ISSUER: identity.issuer,
      CHIRON_OIDC_AUDIENCE: 'chiron',
    };
    try {
      await examine(environment);
      expect([asked, identity.keyRequests()]).toEqual([[], 0]);
      const { findings } = await examine(environment, '--online');
      expect(findings).toContainEqual(saying(`Claude Code answers at 127.0.0.1:${port}`, { status: 'ok' }));
      expect(findings).toContainEqual(saying('answers; its keys: 1', { status: 'ok' }));
      expect(asked).toHaveLength(1);
      expect(JSON.stringify(asked)).not.toContain('secret');
    } finally {
      await new Promise((resolve) => model.close(resolve));
      await identity.close();
    }
    const { status, findings } = await examine(environment, '--online');
    expect(findings).toContainEqual(saying('does not answer at 127.0.0.1', { area: 'network', status: 'warning' }));
    expect(findings).toContainEqual(saying('gives no keys: connect ECONNREFUSED', { area: 'network' }));
    expect(status).toBe(0);
    expect(existsSync(join(folder, 'data'))).toBe(false);
  });
});
