import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PolicySubject } from '../domain/policy/policy.js';
import {
  completed,
  newStore,
  newThread,
  newTurn,
  testedKinds,
  turnEnd,
  type TestStore,
} from './__fixtures__/databases.js';
import { AuditStore } from './stores/audit.store.js';
import { KeyStore } from './stores/key.store.js';
import { PolicyStore } from './stores/policy.store.js';
import { RequestCountStore } from './stores/request-count.store.js';
import { TenantStore } from './stores/tenant.store.js';
import { countUnfinishedTurns, lockPolicySubject } from './stores/unfinished-turns.js';
import { UsageStore } from './stores/usage.store.js';

const ACME: PolicySubject = { kind: 'tenant', tenant: 'acme' };

describe.each(await testedKinds())('policies on %s', (kind) => {
  let store: TestStore;
  /** The same store, as another server has it. */
  let second: TestStore;
  let policies: PolicyStore;
  let tenants: TenantStore;
  let keyId = '';

  beforeAll(async () => {
    store = await newStore(kind);
    // A second connection to SQLite in the same thread would block the thread while it waits for the first.
    second = kind === 'sqlite' ? store : await store.again();
    policies = new PolicyStore(store.database);
    tenants = new TenantStore(store.database);
  });

  beforeEach(async () => {
    for (const table of ['audit_log', 'api_keys', 'tenants', 'threads', 'usage', 'request_counts'] as const)
      await store.database.kysely.deleteFrom(table).execute();
    await tenants.create('acme', 'cli');
    const made = await new KeyStore(store.database).create({ tenant: 'acme', role: 'user' }, 'cli');
    keyId = made?.key.id ?? '';
  });

  afterAll(() => store.remove());

  describe('a policy', () => {
    it('binds callers on every server as soon as it is set: that of the key before that of its tenant', async () => {
      const other = new PolicyStore(second.database);
      expect(await other.find('acme', keyId)).toEqual([]);
      await policies.setOfTenant('acme', { models: ['claude-*'] }, 'cli');
      await policies.setOfKey(keyId, { caller_tools: false }, 'cli');
      expect(await other.find('acme', keyId)).toEqual([
        { subject: { kind: 'key', keyId }, policy: { caller_tools: false } },
        { subject: ACME, policy: { models: ['claude-*'] } },
      ]);
      expect(await other.find('acme', undefined)).toEqual([{ subject: ACME, policy: { models: ['claude-*'] } }]);
      expect(await other.find('umbrella', undefined)).toEqual([]);
      await policies.setOfKey(keyId, {}, 'cli');
      expect(await other.find('acme', keyId)).toHaveLength(1);
    });

    it('is read as it was set, and is of a tenant or key that there is', async () => {
      expect(await policies.ofTenant('acme')).toEqual({});
      expect(await policies.ofKey(keyId)).toEqual({ tenant: 'acme', policy: {} });
      expect(await policies.setOfTenant('acme', { usd_per_month: 2.5 }, 'cli')).toBe(true);
      expect(await policies.setOfKey(keyId, { concurrent_turns: 0 }, 'cli')).toEqual({
        tenant: 'acme',
        policy: { concurrent_turns: 0 },
      });
      expect(await policies.ofTenant('acme')).toEqual({ usd_per_month: 2.5 });
      expect(await policies.ofKey(keyId)).toEqual({ tenant: 'acme', policy: { concurrent_turns: 0 } });
      expect(await policies.setOfTenant('nobody', {}, 'cli')).toBe(false);
      expect(await policies.setOfKey('key_none', {}, 'cli')).toBeUndefined();
      expect([await policies.ofTenant('nobody'), await policies.ofKey('key_none')]).toEqual([undefined, undefined]);
    });

    it('is in the audit log with who set it, and leaves no entry when there is nobody whom it could bind', async () => {
      await policies.setOfTenant('acme', { models: ['x'] }, 'key_admin');
      await policies.setOfKey(keyId, {}, 'cli');
      await policies.setOfKey('key_none', {}, 'cli');
      expect((await new AuditStore(store.database).list({ limit: 2 })).toReversed()).toMatchObject([
        { action: 'tenant.policy', actor: 'key_admin', tenant: 'acme', details: { policy: { models: ['x'] } } },
        { action: 'key.policy', actor: 'cli', tenant: 'acme', keyId, details: { policy: {} } },
      ]);
    });

    it('goes with its tenant', async () => {
      await policies.setOfTenant('acme', { concurrent_turns: 1 }, 'cli');
      await tenants.remove('acme', { keepThreads: true }, 'cli');
      await tenants.create('acme', 'cli');
      expect(await policies.find('acme', undefined)).toEqual([]);
    });
  });

  describe('the count of requests', () => {
    it('lets exactly as many through as the limit allows, of many at the same moment on two servers', async () => {
      const [one, other] = [new RequestCountStore(store.database), new RequestCountStore(second.database)];
      const counted = await Promise.all(
        Array.from({ length: 300 }, (_, index) => (index % 2 === 0 ? one : other).count(ACME, 100)),
      );
      expect(counted.filter((state) => !state.isExceeded)).toHaveLength(100);
      expect(counted.map((state) => state.remaining).filter((left) => left !== 0)).toHaveLength(99);
    });

    it('goes on after a restart, and begins anew when its minute is over', async () => {
      const clock = vi.spyOn(store.database.clock, 'now');
      try {
        clock.mockReturnValue(1_000_000);
        const before = new RequestCountStore(store.database);
        expect(await before.count(ACME, 2)).toEqual({ limit: 2, remaining: 1, resetsAt: 1_060_000, isExceeded: false });
        clock.mockReturnValue(1_059_999);
        const after = new RequestCountStore(store.database);
        expect(await after.count(ACME, 2)).toMatchObject({ remaining: 0, isExceeded: false });
        expect(await after.count(ACME, 2)).toEqual({ limit: 2, remaining: 0, resetsAt: 1_060_000, isExceeded: true });
        clock.mockReturnValue(1_060_000);
        expect(await after.count(ACME, 2)).toEqual({ limit: 2, remaining: 1, resetsAt: 1_120_000, isExceeded: false });
      } finally {
        clock.mockRestore();
      }
    });

    it('is that of each tenant and each key alone, and follows a limit that has changed', async () => {
      const requests = new RequestCountStore(store.database);
      await requests.count(ACME, 1);
      expect(await requests.count({ kind: 'key', keyId: 'acme' }, 1)).toMatchObject({ isExceeded: false });
      expect(await requests.count({ kind: 'tenant', tenant: 'umbrella' }, 1)).toMatchObject({ isExceeded: false });
      expect(await requests.count(ACME, 1)).toMatchObject({ isExceeded: true });
      expect(await requests.count(ACME, 5)).toMatchObject({ isExceeded: false, remaining: 2 });
    });

    it('lets nothing through with a limit of nothing', async () => {
      expect(await new RequestCountStore(store.database).count(ACME, 0)).toMatchObject({ isExceeded: true });
    });
  });

  describe('the turns that run or wait', () => {
    const begin = async (tenant: string, key?: string): Promise<string> => {
      const { thread } = await store.threads.findOrCreate(newThread({ tenant }));
      const billedTo = { keyId: key, userId: undefined };
      return (await store.turns.create(newTurn(thread.id, { billedTo }))).turn.id;
    };
    const count = (subject: PolicySubject, except?: readonly string[]) =>
      countUnfinishedTurns(store.database.kysely, subject, except);

    it('are counted by their tenant and by their key, until they end', async () => {
      const one = await begin('acme', keyId);
      const two = await begin('acme');
      await begin('umbrella', keyId);
      expect([await count(ACME), await count({ kind: 'key', keyId })]).toEqual([2, 2]);
      expect([await count(ACME, [one]), await count(ACME, [one, two])]).toEqual([1, 0]);
      const claimed = await store.turns.claim(one, { owner: 'a', now: 2_000 });
      expect(await count(ACME)).toBe(2);
      if (claimed === undefined) throw new Error('the turn was not claimed');
      await store.log.open(claimed);
      await store.log.finish(one, [turnEnd], completed);
      await store.turns.cancelQueued(two, { now: 3_000, failure: undefined });
      expect([await count(ACME), await count({ kind: 'key', keyId })]).toEqual([0, 1]);
    });

    it.each([
      ['tenant', () => ACME],
      ['key', (): PolicySubject => ({ kind: 'key', keyId })],
    ])(
      'are never more than allowed, however many are stored at the same moment on two servers: of a %s',
      async (_, of) => {
        const refused = new Error('no slot is left');
        const attempts = Array.from({ length: 20 }, async (__, index) => {
          const server = index % 2 === 0 ? store : second;
          const { thread } = await server.threads.findOrCreate(newThread());
          const turn = newTurn(thread.id, { billedTo: { keyId, userId: undefined } });
          await server.turns.create(turn, undefined, async (transaction) => {
            await lockPolicySubject(transaction, of());
            if ((await countUnfinishedTurns(transaction, of())) > 3) throw refused;
          });
        });
        const results = await Promise.allSettled(attempts);
        expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
        expect(results.filter((result) => result.status === 'rejected' && result.reason !== refused)).toEqual([]);
        expect(await count(of())).toBe(3);
      },
    );
  });

  it('what a tenant or a key has spent in a period is the sum of its turns', async () => {
    const usage = new UsageStore(store.database);
    for (const [tenant, key, endedAt] of [
      ['acme', keyId, '2027-01-31T23:00:00Z'],
      ['acme', undefined, '2027-02-01T01:00:00Z'],
      ['umbrella', undefined, '2027-02-01T01:00:00Z'],
    ] as const) {
      const { thread } = await store.threads.findOrCreate(newThread({ tenant }));
      const { turn } = await store.turns.create(newTurn(thread.id, { billedTo: { keyId: key, userId: undefined } }));
      const claimed = await store.turns.claim(turn.id, { owner: 'a', now: 2_000 });
      if (claimed === undefined) throw new Error('the turn was not claimed');
      await store.log.open(claimed);
      await store.log.finish(turn.id, [turnEnd], { ...completed, endedAt: Date.parse(endedAt) });
    }
    const both = { from: '2027-01-31', to: '2027-02-01' };
    expect(await usage.spent(ACME, both)).toEqual({ tokens: 12, costMicros: 84 });
    expect(await usage.spent(ACME, { from: '2027-02-01', to: '2027-02-01' })).toEqual({ tokens: 6, costMicros: 42 });
    expect(await usage.spent({ kind: 'key', keyId }, both)).toEqual({ tokens: 6, costMicros: 42 });
    expect(await usage.spent({ kind: 'key', keyId: 'key_none' }, both)).toEqual({ tokens: 0, costMicros: 0 });
  });

  it('a thread is removed as unstarted only while it has never had a turn', async () => {
    const { thread } = await store.threads.findOrCreate(newThread());
    await store.turns.create(newTurn(thread.id));
    expect(await store.threads.removeUnstarted(thread.id)).toBe(false);
    const { thread: unused } = await store.threads.findOrCreate(newThread());
    expect(await store.threads.removeUnstarted(unused.id)).toBe(true);
    expect(await store.threads.byId(unused.id)).toBeUndefined();
  });
});
