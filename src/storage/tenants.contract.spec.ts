import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { newStore, newThread, testedKinds, type TestStore } from './__fixtures__/databases.js';
import type { StoreClock } from './database/store-clock.js';
import { type AuditEntry, AuditStore } from './stores/audit.store.js';
import { KeyStore, type MadeKey, type NewKey } from './stores/key.store.js';
import { TenantStore } from './stores/tenant.store.js';

const MINUTE_MS = 60_000;

describe.each(await testedKinds())('tenants, keys and the audit log on %s', (kind) => {
  let store: TestStore;
  let tenants: TenantStore;
  let keys: KeyStore;
  let audit: AuditStore;
  /** The stores of another server. */
  let other: { readonly tenants: TenantStore; readonly keys: KeyStore; readonly clock: StoreClock };

  beforeAll(async () => {
    store = await newStore(kind);
    // A second connection to SQLite in the same thread would block the thread while it waits for the first.
    const second = kind === 'sqlite' ? store : await store.again();
    tenants = new TenantStore(store.database);
    keys = new KeyStore(store.database);
    audit = new AuditStore(store.database);
    const { database } = second;
    other = { tenants: new TenantStore(database), keys: new KeyStore(database), clock: database.clock };
  });

  beforeEach(async () => {
    for (const table of ['audit_log', 'api_keys', 'tenants', 'threads'] as const)
      await store.database.kysely.deleteFrom(table).execute();
    await tenants.create('acme', 'cli');
  });

  afterAll(() => store.remove());

  async function make(changes: Partial<NewKey> = {}): Promise<MadeKey> {
    const made = await keys.create({ tenant: 'acme', role: 'user', ...changes }, 'cli');
    if (made === undefined) throw new Error('no key was made');
    return made;
  }

  const actions = async () =>
    (await audit.list({ limit: 50 })).map(({ action, actor, tenant, keyId }) => [action, actor, tenant, keyId]);

  describe('a key', () => {
    it('has 256 random bits behind a prefix, and is stored as its digest only', async () => {
      const { key, secret } = await make({ name: 'build' });
      expect(secret).toMatch(/^chiron_[\w-]{43}$/);
      expect(key.id).toMatch(/^key_[\da-f]{24}$/);
      expect((await make()).secret).not.toBe(secret);
      const rows = await store.database.kysely.selectFrom('api_keys').selectAll().where('id', '=', key.id).execute();
      expect(rows).toMatchObject([{ sha256: createHash('sha256').update(secret).digest('hex') }]);
      const log = await store.database.kysely.selectFrom('audit_log').selectAll().execute();
      expect(JSON.stringify([rows, log])).not.toContain(secret.slice('chiron_'.length));
    });

    it('is found by its secret alone, on every server, with what it is', async () => {
      const { key, secret } = await make({ name: 'build', role: 'admin', expiresAt: Date.now() + MINUTE_MS });
      expect(await other.keys.findValid([secret])).toEqual(key);
      expect(await keys.findValid(['other', secret])).toEqual(key);
      expect(key).toMatchObject({ tenant: 'acme', name: 'build', role: 'admin', revokedAt: undefined });
      const wrong = [`${secret}x`, secret.slice(0, -1), key.id, createHash('sha256').update(secret).digest('hex'), ''];
      expect(await keys.findValid(wrong)).toBeUndefined();
      expect(await keys.findValid([`chiron_${'A'.repeat(43)}`])).toBeUndefined();
    });

    it('is not found any more once it is revoked on another server, and revoking it again changes nothing', async () => {
      const { key, secret } = await make();
      const revoked = await other.keys.revoke(key.id, 'key_admin');
      expect(await keys.findValid([secret])).toBeUndefined();
      expect(await keys.revoke(key.id, 'cli')).toEqual(revoked);
      expect(revoked?.revokedAt).toBeTypeOf('number');
      expect((await actions()).slice(0, 1)).toEqual([['key.revoke', 'key_admin', 'acme', key.id]]);
      expect(await actions()).toHaveLength(3);
      expect(await keys.revoke('key_unknown', 'cli')).toBeUndefined();
    });

    it('is revoked after it was made for the audit log, also by a server whose clock is behind', async () => {
      const { key } = await make();
      const clock = vi.spyOn(other.clock, 'now').mockReturnValue(Date.now() - MINUTE_MS);
      try {
        await other.keys.revoke(key.id, 'key_admin');
      } finally {
        clock.mockRestore();
      }
      expect((await actions()).map(([action]) => action)).toEqual(['key.revoke', 'key.create', 'tenant.create']);
    });

    it('is not found from the moment when it expires', async () => {
      const { key, secret } = await make({ expiresAt: Date.now() + MINUTE_MS });
      const clock = vi.spyOn(store.database.clock, 'now');
      try {
        clock.mockReturnValue((key.expiresAt ?? 0) - 1);
        expect(await keys.findValid([secret])).toEqual(key);
        clock.mockReturnValue(key.expiresAt ?? 0);
        expect(await keys.findValid([secret])).toBeUndefined();
      } finally {
        clock.mockRestore();
      }
    });

    it('has the time of its last use, written once a minute', async () => {
      const { key, secret } = await make();
      const clock = vi.spyOn(store.database.clock, 'now');
      const lastUse = async () => (await keys.findValid([secret]))?.lastUsedAt;
      try {
        for (const [now, expected] of [
          [1_000_000, 1_000_000],
          [1_000_000 + MINUTE_MS - 1, 1_000_000],
          [1_000_000 + MINUTE_MS, 1_000_000 + MINUTE_MS],
        ] as const) {
          clock.mockReturnValue(now);
          // As a server that has not seen the earlier use: the store decides.
          await keys.recordUse(key);
          expect(await lastUse()).toBe(expected);
        }
      } finally {
        clock.mockRestore();
      }
    });

    it('is made for a tenant that there is, and not for any other', async () => {
      expect(await keys.create({ tenant: 'nobody', role: 'user' }, 'cli')).toBeUndefined();
      expect(await keys.list()).toEqual([]);
      expect(await actions()).toHaveLength(1);
    });
  });

  it('list keys newest first, of all tenants or of one, and the tenants that have one in force', async () => {
    await tenants.create('beta', 'cli');
    const first = await make({ expiresAt: 1 });
    const second = await make();
    const beta = await make({ tenant: 'beta' });
    expect((await keys.list()).map(({ id }) => id).toSorted()).toEqual(
      [first, second, beta].map(({ key }) => key.id).toSorted(),
    );
    expect((await keys.list('beta')).map(({ id }) => id)).toEqual([beta.key.id]);
    expect((await keys.tenantsInUse()).toSorted()).toEqual(['acme', 'beta']);
    await keys.revoke(second.key.id, 'cli');
    expect(await keys.tenantsInUse()).toEqual(['beta']);
  });

  it('know that there was a key, whatever was revoked', async () => {
    expect(await keys.hasAny()).toBe(false);
    const { key } = await make();
    expect(await other.keys.hasAny()).toBe(true);
    await keys.revoke(key.id, 'cli');
    expect(await other.keys.hasAny()).toBe(true);
  });

  describe('a tenant', () => {
    it('is made once, and owns the threads that have its name already', async () => {
      await store.threads.findOrCreate(newThread({ tenant: 'local' }));
      const made = await Promise.all([tenants.create('local', 'cli'), other.tenants.create('local', 'cli')]);
      expect(made.filter((tenant) => tenant !== undefined)).toMatchObject([{ name: 'local', threads: 1 }]);
      expect(await tenants.list()).toMatchObject([
        { name: 'acme', threads: 0 },
        { name: 'local', threads: 1 },
      ]);
    });

    it('is removed with its keys, which are revoked', async () => {
      const { key, secret } = await make();
      expect(await tenants.remove('acme', { keepThreads: false }, 'cli')).toEqual({
        kind: 'removed',
        threads: 0,
        revokedKeys: 1,
      });
      expect(await other.keys.findValid([secret])).toBeUndefined();
      expect(await tenants.list()).toEqual([]);
      expect((await actions()).slice(0, 2)).toEqual([
        ['tenant.remove', 'cli', 'acme', undefined],
        ['key.revoke', 'cli', 'acme', key.id],
      ]);
      expect(await tenants.remove('acme', { keepThreads: true }, 'cli')).toEqual({ kind: 'unknown' });
    });

    it('is not removed while it has threads, unless they are to be kept', async () => {
      const { secret } = await make();
      const { thread } = await store.threads.findOrCreate(newThread());
      expect(await tenants.remove('acme', { keepThreads: false }, 'cli')).toEqual({ kind: 'has threads', threads: 1 });
      expect(await keys.findValid([secret])).toBeDefined();
      expect(await tenants.remove('acme', { keepThreads: true }, 'cli')).toMatchObject({ kind: 'removed', threads: 1 });
      expect(await store.threads.byId(thread.id)).toBeDefined();
      expect(await keys.findValid([secret])).toBeUndefined();
    });

    it('is left without a key in force, whenever keys are made while it is removed', async () => {
      const making = Array.from({ length: 8 }, () => other.keys.create({ tenant: 'acme', role: 'user' }, 'cli'));
      await Promise.all([...making, tenants.remove('acme', { keepThreads: false }, 'cli')]);
      expect(await keys.tenantsInUse()).toEqual([]);
    });
  });

  it('read the audit log page by page, newest first, without gap or duplicate', async () => {
    const made = [];
    for (let index = 0; index < 5; index += 1) made.push((await make({ name: `key ${index}` })).key.id);
    const pages: AuditEntry[] = [];
    for (let page = await audit.list({ limit: 2 }); page.length > 0;) {
      pages.push(...page);
      page = await audit.list({ limit: 2, before: page.at(-1)?.id ?? '' });
    }
    expect(pages.map(({ keyId }) => keyId)).toEqual([...made.toReversed(), undefined]);
    expect(pages[0]).toMatchObject({ action: 'key.create', actor: 'cli', details: { name: 'key 4', role: 'user' } });
  });

  it('keep nothing of what was not recorded', async () => {
    await store.database.kysely.schema.alterTable('audit_log').renameTo('hidden').execute();
    try {
      await expect(make()).rejects.toThrow();
      await expect(tenants.create('beta', 'cli')).rejects.toThrow();
    } finally {
      await store.database.kysely.schema.alterTable('hidden').renameTo('audit_log').execute();
    }
    expect(await keys.list()).toEqual([]);
    expect((await tenants.list()).map(({ name }) => name)).toEqual(['acme']);
  });
});
