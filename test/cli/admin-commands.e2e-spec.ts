import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { newStore, testedKinds } from '../../src/storage/__fixtures__/databases.js';
import { KeyStore } from '../../src/storage/stores/key.store.js';
import { newFolder, removeFolder, startMain, urlOf } from '../support/start-main.js';
import { type Run, runChiron } from './run-chiron.js';

vi.setConfig({ testTimeout: 120_000 });

const kinds = await testedKinds();

let folder: string;

beforeEach(() => {
  folder = newFolder();
});

afterEach(() => removeFolder(folder));

const chiron = (args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Run> =>
  runChiron(folder, args, environment);

/** What a command prints with `--json`: one value. */
async function json<Value>(...args: readonly string[]): Promise<Value> {
  const { status, stdout, stderr } = await chiron([...args, '--json']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as Value;
}

interface PrintedKey {
  readonly id: string;
  readonly key: string;
  readonly role: string;
  readonly state: string;
  readonly last_used_at: string | null;
}

const statusOf = async (url: string, key?: string): Promise<number> =>
  (await fetch(url, { headers: key === undefined ? {} : { 'x-api-key': key } })).status;

describe('chiron tenants and keys', () => {
  it('make the first admin key before the server has ever run, and others and revocations while it runs', async () => {
    await json('tenants', 'create', 'ops');
    const admin = await json<PrintedKey>('keys', 'create', '--tenant', 'ops', '--admin', '--name', 'first');
    expect(admin).toMatchObject({ role: 'admin', key: expect.stringMatching(/^chiron_[\w-]{43}$/) });
    const start = await startMain({ cwd: folder, environment: { CHIRON_DEFAULT_HARNESS: 'demo' } });
    try {
      const url = urlOf(start);
      expect(start.output()).toContain('required (0 configured, others in the store)');
      expect(await statusOf(`${url}/api/sessions`)).toBe(401);
      expect(await statusOf(`${url}/api/admin/keys`, admin.key)).toBe(200);
      const user = await json<PrintedKey>('keys', 'create', '-t', 'ops');
      expect(await statusOf(`${url}/api/sessions`, user.key)).toBe(200);
      expect(await statusOf(`${url}/api/admin/keys`, user.key)).toBe(403);
      expect(await json('keys', 'revoke', user.id)).toMatchObject({ id: user.id, state: 'revoked' });
      expect(await statusOf(`${url}/api/sessions`, user.key)).toBe(401);
      const listed = await json<readonly PrintedKey[]>('keys', 'list', '--tenant', 'ops');
      expect(listed.map(({ id, state }) => [id, state])).toEqual([
        [user.id, 'revoked'],
        [admin.id, 'active'],
      ]);
      expect(listed.every(({ last_used_at }) => last_used_at !== null)).toBe(true);
      expect(await json('audit', '--limit', '2')).toMatchObject([
        { actor: 'cli', action: 'key.revoke', key_id: user.id },
        { actor: 'cli', action: 'key.create', key_id: user.id },
      ]);
      expect(start.output()).not.toContain(user.key);
    } finally {
      start.signal('SIGTERM');
      await start.exit;
    }
    const files = readdirSync(join(folder, 'data')).filter((file) => file.startsWith('chiron.sqlite'));
    const stored = files.map((file) => readFileSync(join(folder, 'data', file), 'latin1')).join('');
    expect(stored).toContain(admin.id);
    expect(stored).not.toContain(admin.key.slice('chiron_'.length));
    expect(statSync(join(folder, 'data', 'chiron.sqlite')).mode & 0o077).toBe(0);
  });

  it('print for people what they did, and a key once', async () => {
    expect((await chiron(['tenants', 'create', 'team-a'])).stdout).toBe('Made the tenant team-a.\n');
    const made = await chiron(['keys', 'create', '--tenant', 'team-a', '--expires', '2999-01-31']);
    const [about, key = '', ...rest] = made.stdout.split('\n');
    expect(about).toMatch(/^Made the key key_[\da-f]{24} of team-a \(user, until 2999-01-31T00:00:00.000Z\)\./);
    expect([key, rest]).toEqual([expect.stringMatching(/^chiron_[\w-]{43}$/), ['']]);
    for (const args of [['keys', 'list'], ['audit'], ['tenants', 'list']]) {
      const { stdout } = await chiron(args);
      expect(stdout).toMatch(/team-a/);
      expect(stdout).not.toContain(key);
    }
    expect((await chiron(['tenants', 'remove', 'team-a'])).stdout).toBe(
      'Removed the tenant team-a. Revoked keys: 1.\n',
    );
    expect(await json('tenants', 'list')).toEqual([]);
  });

  it('set and print policies, which a running server holds its callers to at once', async () => {
    await json('tenants', 'create', 'ops');
    const { id, key } = await json<PrintedKey>('keys', 'create', '--tenant', 'ops');
    const start = await startMain({ cwd: folder, environment: { CHIRON_DEFAULT_HARNESS: 'demo' } });
    try {
      const url = `${urlOf(start)}/api/sessions`;
      expect(await statusOf(url, key)).toBe(200);
      const policy = { requests_per_minute: 0 };
      expect(await json('keys', 'policy', id, '--set', JSON.stringify(policy))).toEqual({
        key_id: id,
        tenant: 'ops',
        policy,
      });
      expect(await statusOf(url, key)).toBe(429);
      await json('keys', 'policy', id, '--set', '{}');
      expect(await statusOf(url, key)).toBe(200);
      writeFileSync(join(folder, 'policy.json'), JSON.stringify(policy));
      await json('tenants', 'policy', 'ops', '--file', 'policy.json');
      expect(await statusOf(url, key)).toBe(429);
    } finally {
      start.signal('SIGTERM');
      await start.exit;
    }
    expect(await json('tenants', 'policy', 'ops')).toEqual({ tenant: 'ops', policy: { requests_per_minute: 0 } });
    expect((await chiron(['keys', 'policy', id])).stdout).toBe('{}\n');
    const entries = await json<readonly { readonly action: string }[]>('audit');
    expect(entries.map(({ action }) => action)).toEqual([
      'tenant.policy',
      'key.policy',
      'key.policy',
      'key.create',
      'tenant.create',
    ]);
  });

  it.each([
    [['tenants', 'create', 'a b'], /^Chiron failed: name: may have letters, digits/],
    [['tenants', 'remove', 'nobody'], /^Chiron failed: There is no tenant nobody\.$/],
    [['keys', 'create', '--tenant', 'nobody'], /^Chiron failed: There is no tenant nobody\.$/],
    [['keys', 'create', '--tenant', 'a', '--expires', 'soon'], /^Chiron failed: expires_at: must be like 2027-01-31/],
    [
      ['keys', 'create', '--tenant', 'a', '--expires', '2001-01-01'],
      /^Chiron failed: expires_at: must be in the future$/,
    ],
    [['keys', 'create'], /required option '-t, --tenant <name>' not specified/],
    [['keys', 'revoke', 'key_none'], /^Chiron failed: There is no key key_none\.$/],
    [['tenants', 'policy', 'nobody'], /^Chiron failed: There is no tenant nobody\.$/],
    [['keys', 'policy', 'key_none', '--set', '{}'], /^Chiron failed: There is no key key_none\.$/],
    [['tenants', 'policy', 'a', '--set', '{"colour": 1}'], /^Chiron failed: colour: there is no such field$/],
    [['tenants', 'policy', 'a', '--set', 'models'], /^Chiron failed: the policy is not JSON$/],
    [['tenants', 'policy', 'a', '--file', 'none.json'], /^Chiron failed: ENOENT/],
    [['tenants', 'policy', 'a', '--set', '{}', '--file', 'x'], /cannot be used with option/],
    [['audit', '--limit', 'all'], /^Chiron failed: limit: must be a number from 1 to 500$/],
  ])('say in a sentence why they do not: %j', async (args, words) => {
    const { status, stdout, stderr } = await chiron([...args, '--json']);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr.trim()).toMatch(words);
  });

  it('say why a store cannot be opened, without the password of its URL', async () => {
    const { status, stderr } = await chiron(['keys', 'list'], {
      CHIRON_DATABASE_URL: 'postgres://me:hush@127.0.0.1:1/none',
    });
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/^Chiron failed: cannot open the store \(PostgreSQL at/),
    ]);
    expect(stderr).not.toContain('hush');
  });

  it.runIf(kinds.includes('postgres'))('work on the PostgreSQL store that .env names', async () => {
    const store = await newStore('postgres');
    try {
      writeFileSync(join(folder, '.env'), `CHIRON_DATABASE_URL=${store.options.databaseUrl}\n`);
      await json('tenants', 'create', 'ops');
      const { id, key } = await json<PrintedKey>('keys', 'create', '--tenant', 'ops');
      expect(await new KeyStore(store.database).findValid([key])).toMatchObject({ id, tenant: 'ops' });
      await json('keys', 'revoke', id);
      expect(await new KeyStore(store.database).findValid([key])).toBeUndefined();
    } finally {
      await store.remove();
    }
  });
});
