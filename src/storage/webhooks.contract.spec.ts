import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  completed,
  newStore,
  newThread,
  newTurn,
  testedKinds,
  type TestStore,
  turnEnd,
} from './__fixtures__/databases.js';
import { AuditStore } from './stores/audit.store.js';
import { PolicyStore } from './stores/policy.store.js';
import { TenantStore } from './stores/tenant.store.js';
import type { WebhookEvent } from './stores/webhook-event.js';
import { queueWebhooks, type WebhookAudience, WebhookStore } from './stores/webhook.store.js';

const URL = 'https://hooks.example/turns?token=of-the-receiver';
const LEASE_MS = 60_000;

function eventOf(tenant: string, turn = 'turn'): WebhookEvent {
  return {
    type: 'turn.ended',
    timestamp: '2026-06-23T18:16:26.123Z',
    data: {
      tenant,
      thread_key: 'thread',
      turn_id: turn,
      message_id: 'msg_1',
      state: 'completed',
      stop_reason: 'end_turn',
      failure: null,
      harness: 'demo',
      model: 'demo',
      usage: null,
    },
  };
}

describe.each(await testedKinds())('webhooks on %s', (kind) => {
  let store: TestStore;
  let webhooks: WebhookStore;
  /** The store of another server. */
  let other: WebhookStore;

  beforeAll(async () => {
    store = await newStore(kind);
    const second = kind === 'sqlite' ? store : await store.again();
    webhooks = new WebhookStore(store.database);
    other = new WebhookStore(second.database);
  });

  beforeEach(async () => {
    for (const table of ['audit_log', 'tenants', 'webhook_endpoints', 'webhook_deliveries'] as const)
      await store.database.kysely.deleteFrom(table).execute();
    await new TenantStore(store.database).create('acme', 'cli');
  });

  afterAll(() => store.remove());

  const queue = (event: WebhookEvent, audiences: readonly WebhookAudience[] = ['tenant'], at = Date.now()) =>
    store.database.transaction((transaction) => queueWebhooks(transaction, event, audiences, at));
  const claim = (from = webhooks, exceptTenants: readonly string[] = [], limit = 10) =>
    from.claim({ limit, leaseMs: LEASE_MS, exceptTenants });
  const turnsOf = (deliveries: readonly { readonly payload: string }[]) =>
    deliveries.map(({ payload }) => String(JSON.parse(payload).data.turn_id));

  it('are sent to an address that only a tenant of the store can have', async () => {
    expect(await webhooks.setEndpoint('nobody', URL, 'cli')).toBeUndefined();
    const first = await webhooks.setEndpoint('acme', URL, 'key_1');
    expect(first).toMatchObject({ tenant: 'acme', url: URL, secret: expect.stringMatching(/^whsec_[\w+/]{43}=$/) });
    expect(await other.findEndpoint('acme')).toEqual(first);
    const second = await webhooks.setEndpoint('acme', 'https://other.example', 'key_1');
    expect(second?.secret).not.toBe(first?.secret);
    expect(await other.findEndpoint('acme')).toEqual(second);
  });

  it('have their changes in the audit log, without the path and the secret', async () => {
    const endpoint = await webhooks.setEndpoint('acme', URL, 'key_1');
    await webhooks.removeEndpoint('acme', 'cli');
    const entries = await new AuditStore(store.database).list({ limit: 2 });
    expect(entries).toMatchObject([
      { action: 'webhook.remove', actor: 'cli', tenant: 'acme' },
      { action: 'webhook.set', actor: 'key_1', tenant: 'acme', details: { host: 'hooks.example' } },
    ]);
    for (const secret of [endpoint?.secret ?? '', 'of-the-receiver'])
      expect(JSON.stringify(entries)).not.toContain(secret);
  });

  it('are claimed by one server at a time, oldest first, and again when that is silent', async () => {
    const now = Date.now();
    await queue(eventOf('acme', 'later'), ['tenant'], now - 1000);
    await queue(eventOf('acme', 'first'), ['tenant'], now - LEASE_MS - 2000);
    await queue(eventOf('acme', 'not yet'), ['tenant'], now + LEASE_MS);
    const claimed = await Promise.all([claim(webhooks, [], 1), claim(other, [], 1)]);
    expect(turnsOf(claimed.flat()).toSorted()).toEqual(['first', 'later']);
    expect(await claim()).toEqual([]);
    await store.database.kysely
      .updateTable('webhook_deliveries')
      .set({ next_attempt_at: now - 1 })
      .where('attempts', '=', 1)
      .execute();
    const again = await claim(other);
    expect(again.map(({ attempt }) => attempt)).toEqual([2, 2]);
    expect(again.map(({ id }) => id).toSorted()).toEqual(
      claimed
        .flat()
        .map(({ id }) => id)
        .toSorted(),
    );
  });

  it('of a tenant that gets no more for now wait, and hold up nobody', async () => {
    await queue(eventOf('acme', 'waits'), ['tenant'], Date.now() - 2000);
    await queue(eventOf('beta', 'goes'), ['tenant'], Date.now() - 1000);
    expect(turnsOf(await claim(webhooks, ['acme']))).toEqual(['goes']);
    expect(turnsOf(await claim())).toEqual(['waits']);
  });

  it('are tried again after a pause, and an attempt that was broken off does not count', async () => {
    await queue(eventOf('acme'), ['deployment'], Date.now() - 1000);
    const [first] = await claim();
    await webhooks.retry(first?.id ?? '', { delayMs: 0, wasTried: false });
    const [second] = await claim();
    expect(second).toMatchObject({ id: first?.id, audience: 'deployment', attempt: 1 });
    await webhooks.retry(first?.id ?? '', { delayMs: LEASE_MS, wasTried: true });
    expect(await claim()).toEqual([]);
    await webhooks.retry(first?.id ?? '', { delayMs: 0, wasTried: true });
    expect(await claim()).toMatchObject([{ attempt: 2 }]);
    await webhooks.remove(first?.id ?? '');
    expect(await store.database.kysely.selectFrom('webhook_deliveries').selectAll().execute()).toEqual([]);
  });

  describe('of a budget', () => {
    const KEY = { kind: 'key', keyId: 'key_1' } as const;
    const endedAt = Date.parse('2027-01-31T23:59:59Z');

    /** Ends a turn of a tenant, which the store counts with six tokens and 42 millionths of a US dollar. */
    async function endTurn(from = store, changes: object = {}): Promise<void> {
      const { thread } = await from.threads.findOrCreate(newThread({ tenant: 'acme' }));
      const { turn } = await from.turns.create(
        newTurn(thread.id, { billedTo: { keyId: KEY.keyId, userId: undefined } }),
      );
      const claimed = await from.turns.claim(turn.id, { owner: 'a', now: 2_000 });
      if (claimed === undefined) throw new Error('the turn was not claimed');
      await from.log.open(claimed);
      await from.log.finish(turn.id, [turnEnd], { ...completed, endedAt, ...changes });
    }

    const told = async () =>
      (await store.database.kysely.selectFrom('webhook_deliveries').selectAll().execute())
        .map(({ payload }) => JSON.parse(payload))
        .filter(({ type }) => type === 'budget.reached');

    beforeEach(async () => {
      for (const table of ['usage', 'threads', 'api_keys'] as const)
        await store.database.kysely.deleteFrom(table).execute();
      await webhooks.setEndpoint('acme', URL, 'cli');
    });

    it('are stored with the end of the first turn that spends it, once a day or month', async () => {
      const policies = new PolicyStore(store.database);
      await policies.setOfTenant('acme', { tokens_per_day: 12, usd_per_month: 0.000_1 }, 'cli');
      await endTurn();
      expect(await told()).toEqual([]);
      await endTurn();
      const data = { tenant: 'acme', key_id: null };
      const day = { budget: 'tokens_per_day', allowed: 12, spent: 12, period_ends_at: '2027-02-01T00:00:00.000Z' };
      expect(await told()).toEqual([
        { type: 'budget.reached', timestamp: '2027-01-31T23:59:59.000Z', data: { ...data, ...day } },
      ]);
      await endTurn();
      const month = { ...day, budget: 'usd_per_month', allowed: 0.0001, spent: 0.000126 };
      await endTurn();
      expect((await told()).map((event) => event.data)).toEqual([
        { ...data, ...day },
        { ...data, ...month },
      ]);
      await endTurn(store, { endedAt: endedAt + 1000, usage: { ...completed.usage, inputTokens: 12 } });
      expect((await told()).at(-1)?.data).toMatchObject({ spent: 15, period_ends_at: '2027-02-02T00:00:00.000Z' });
    });

    it('are stored for a key by its own policy, and not when nobody is to be told', async () => {
      await store.database.kysely
        .insertInto('api_keys')
        .values({
          id: KEY.keyId,
          tenant: 'acme',
          role: 'user',
          name: null,
          sha256: 'none',
          created_at: 0,
          expires_at: null,
          last_used_at: null,
          revoked_at: null,
          policy: JSON.stringify({ tokens_per_day: 1 }),
        })
        .execute();
      await endTurn();
      expect(await told()).toMatchObject([{ data: { key_id: 'key_1', spent: 6 } }]);
      await webhooks.removeEndpoint('acme', 'cli');
      await new PolicyStore(store.database).setOfTenant('acme', { tokens_per_day: 12 }, 'cli');
      await endTurn();
      expect(await told()).toEqual([]);
    });

    it('are stored once when the turns of two servers end at the same moment', async () => {
      const second = kind === 'sqlite' ? store : await store.again();
      await new PolicyStore(store.database).setOfTenant('acme', { tokens_per_day: 60 }, 'cli');
      await Promise.all(Array.from({ length: 20 }, (_, index) => endTurn(index % 2 === 0 ? store : second)));
      expect(await told()).toHaveLength(1);
    });
  });

  it('to a tenant are dropped with its address, or with the tenant, and those to the deployment stay', async () => {
    for (const remove of [
      () => webhooks.removeEndpoint('acme', 'cli'),
      () => new TenantStore(store.database).remove('acme', { keepThreads: true }, 'cli'),
    ]) {
      await webhooks.setEndpoint('acme', URL, 'cli');
      await queue(eventOf('acme'), ['deployment', 'tenant'], Date.now() - 1000);
      await remove();
      expect(await webhooks.findEndpoint('acme')).toBeUndefined();
      expect((await claim()).map(({ audience }) => audience)).toEqual(['deployment']);
    }
    expect(await webhooks.removeEndpoint('acme', 'cli')).toBe(false);
  });
});
