import supertest from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Policy } from '../../src/domain/policy/policy.js';
import { readPromptText } from '../../src/domain/prompt.js';
import { KeyStore } from '../../src/storage/stores/key.store.js';
import { PolicyStore } from '../../src/storage/stores/policy.store.js';
import { TenantStore } from '../../src/storage/stores/tenant.store.js';
import { UsageStore } from '../../src/storage/stores/usage.store.js';
import { eventually } from '../support/eventually.js';
import { ask, thread } from '../support/requests.js';
import { CALL_USAGE, modelCall, textBlock } from '../support/scripted-harness.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const TENANTS = 50;
const SLOTS = 60;
const names = Array.from({ length: TENANTS }, (_, index) => `team-${index}`);

let app: TestApp;
/** The secret of a key of each tenant. */
let keys: ReadonlyMap<string, string>;

beforeEach(async () => {
  app = await startTestApp({ maxConcurrentTurns: SLOTS, maxWaitingTurns: 10_000 });
});

afterEach(async () => {
  await eventually(() => {
    for (const run of app.harness.runs.filter(({ ended }) => !ended)) run.endAs('interrupted');
    return app.harness.runs.every(({ ended }) => ended);
  }).toBe(true);
  await app.close();
});

/** Makes the tenants with a key each, and the same policy. */
async function makeTenants(policy: Policy): Promise<void> {
  const made = new Map<string, string>();
  for (const name of names) {
    await app.app.get(TenantStore).create(name, 'cli');
    await app.app.get(PolicyStore).setOfTenant(name, policy, 'cli');
    const key = await app.app.get(KeyStore).create({ tenant: name, role: 'user' }, 'cli');
    made.set(name, key?.secret ?? '');
  }
  keys = made;
}

const post = (tenant: string, prompt: string) =>
  supertest(app.url)
    .post('/v1/messages')
    .set({ ...thread(`${tenant}-${prompt}`), 'x-api-key': keys.get(tenant) ?? '' })
    .send(ask(`${tenant} ${prompt}`));

/** Sends so many requests of every tenant at once; gives how many of each tenant had each status. */
async function flood(each: number): Promise<ReadonlyMap<string, Readonly<Record<number, number>>>> {
  const counts = new Map<string, Record<number, number>>(names.map((name) => [name, {}]));
  await Promise.all(
    names.flatMap((name) =>
      Array.from({ length: each }, async (_, index) => {
        const { status } = await post(name, `flood ${index}`);
        const count = counts.get(name);
        if (count !== undefined) count[status] = (count[status] ?? 0) + 1;
      }),
    ),
  );
  return counts;
}

/** Whose turns run now, with how many. */
function running(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { turn } of app.harness.runs.filter(({ ended }) => !ended)) {
    const [tenant = ''] = readPromptText(turn.prompt).split(' ');
    counts.set(tenant, (counts.get(tenant) ?? 0) + 1);
  }
  return counts;
}

describe('fifty tenants at their limits', () => {
  it('have exactly as many requests in a minute as each may have', async () => {
    await makeTenants({ requests_per_minute: 8 });
    app.harness.onRun = (run) => run.end(...modelCall(textBlock('fine')));
    for (const [name, counts] of await flood(12)) expect([name, counts]).toEqual([name, { 200: 8, 429: 4 }]);
    const rows = await app.app.get(UsageStore).sum({}, ['tenant']);
    expect(rows.filter(({ turns }) => turns === 8)).toHaveLength(TENANTS);
    expect(new Set(rows.map(({ outputTokens }) => outputTokens))).toEqual(new Set([8 * CALL_USAGE.outputTokens]));
  });

  it('share the slots: none has more than its own, and none waits for another to be done with all of its turns', async () => {
    await makeTenants({ concurrent_turns: 20 });
    // One tenant takes all that it may, and waits with more.
    const [greedy = '', ...others] = names;
    const early = Array.from({ length: 24 }, (_, index) => post(greedy, `early ${index}`).then(({ status }) => status));
    await eventually(() => running().get(greedy)).toBe(20);
    // The others ask for more than all slots together.
    const later = others.flatMap((name) => [0, 1].map((index) => post(name, `later ${index}`).then((sent) => sent)));
    await eventually(() => [...running().values()].reduce((sum, count) => sum + count, 0)).toBe(SLOTS);
    // A slot that becomes free goes to a tenant with none, however many wait.
    for (let round = 0; round < 9; round += 1) {
      const before = running();
      app.harness.runs
        .find(({ ended, turn }) => !ended && readPromptText(turn.prompt).startsWith(`${greedy} `))
        ?.answer('a');
      await eventually(() => running().size).toBe(before.size + (before.size < TENANTS ? 1 : 0));
      expect(running().get(greedy)).toBe((before.get(greedy) ?? 0) - 1);
    }
    app.harness.onRun = (run) => run.answer('fine');
    for (const run of app.harness.runs.filter(({ ended }) => !ended)) run.answer('fine');
    expect((await Promise.all(later)).map(({ status }) => status)).toEqual(later.map(() => 200));
    const statuses = await Promise.all(early);
    expect([200, 429].map((status) => statuses.filter((each) => each === status).length)).toEqual([20, 4]);
  });
});
