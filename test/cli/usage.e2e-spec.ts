import { randomUUID } from 'node:crypto';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { recorded } from '../../src/clients/claude-code/__fixtures__/recorded.js';
import type { HarnessEvent, TokenUsage } from '../../src/domain/harness-event.js';
import { readPromptText } from '../../src/domain/prompt.js';
import { findPrice } from '../../src/domain/prices/price-list.js';
import { SHIPPED_PRICES } from '../../src/domain/prices/shipped-prices.js';
import { Database } from '../../src/storage/database/database.js';
import { KeyStore, type KeyRole } from '../../src/storage/stores/key.store.js';
import { TenantStore } from '../../src/storage/stores/tenant.store.js';
import { ThreadStore } from '../../src/storage/stores/thread.store.js';
import { SideThreadRemover } from '../../src/turns/cleanup/side-thread-remover.js';
import type { UsageReport } from '../../src/usage/usage-views.js';
import { ApiDocument } from '../support/openapi.js';
import { ask, thread } from '../support/requests.js';
import { CALL_USAGE, textBlock } from '../support/scripted-harness.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { runChiron } from './run-chiron.js';

vi.setConfig({ testTimeout: 60_000 });

const OPUS = 'claude-opus-5-5';
const METRICS_KEY = 'a-metrics-key-of-the-tests';
const CLAUDE_CODE = { 'user-agent': 'claude-cli/2.1.330 (external, cli)', 'x-claude-code-session-id': 'S' };
const DAY = new Date().toISOString().slice(0, 10);

let app: TestApp;
let document: ApiDocument;
const keys = new Map<string, { readonly id: string; readonly secret: string }>();

beforeAll(async () => {
  app = await startTestApp({ metricsKey: METRICS_KEY });
  document = await ApiDocument.of(app.url);
  app.harness.onRun = (run) => {
    const text = readPromptText(run.turn.prompt);
    if (text.includes('fail')) run.say(...call(OPUS, 'half'));
    if (text.includes('fail')) run.fail('overloaded');
    else if (text.includes('strange')) run.end(...call('a-model-without-a-price', 'an answer'));
    // The total has what sub-agents used as well.
    else run.finish([...call(OPUS, 'an answer'), { type: 'turn-end', reason: 'end_turn', usage: TOTAL }]);
  };
  await makeKey('ops', 'admin');
  for (const tenant of ['team-a', 'team-b']) await makeKey(tenant, 'user');
});

afterAll(() => app.close());

const TOTAL: TokenUsage = { ...CALL_USAGE, inputTokens: 1_000, outputTokens: 200 };

function call(model: string, text: string): readonly HarnessEvent[] {
  return [
    { type: 'model-call-start', model, usage: { ...CALL_USAGE, outputTokens: 0 } },
    ...textBlock(text),
    { type: 'model-call-end', model, usage: CALL_USAGE },
  ];
}

async function makeKey(tenant: string, role: KeyRole): Promise<void> {
  await app.app.get(TenantStore).create(tenant, 'cli');
  const made = await app.app.get(KeyStore).create({ tenant, role }, 'cli');
  if (made === undefined) throw new Error('no key was made');
  keys.set(tenant, { id: made.key.id, secret: made.secret });
}

const secret = (tenant: string): string => keys.get(tenant)?.secret ?? '';

const post = (tenant: string, body: object, headers: object = {}) =>
  supertest(app.url)
    .post('/v1/messages')
    .set({ 'x-api-key': secret(tenant), ...headers })
    .send(body);

async function read(tenant: string, query: Readonly<Record<string, string>> = {}): Promise<UsageReport> {
  const response = await supertest(app.url).get('/api/usage').query(query).set('x-api-key', secret(tenant)).expect(200);
  expect(document.differences('getUsage', response)).toEqual([]);
  return response.body as UsageReport;
}

const chiron = (...args: readonly string[]) =>
  runChiron(app.dataDirectory, ['usage', ...args], { CHIRON_DATA_DIR: app.dataDirectory });

async function metric(name: string): Promise<number> {
  const { text } = await supertest(app.url).get('/metrics').set('authorization', `Bearer ${METRICS_KEY}`).expect(200);
  const samples = text.split('\n').filter((line) => line.startsWith(`${name}{`));
  return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** The tokens of the turns themselves, as the store has them. */
async function sumOfTurns(): Promise<Readonly<Record<string, number>>> {
  const rows = await app.app.get(Database).kysely.selectFrom('turns').select('usage').execute();
  const usages = rows.map(({ usage }) => JSON.parse(usage ?? '{}') as Partial<TokenUsage>);
  const sum = (pick: (usage: Partial<TokenUsage>) => number | undefined): number =>
    usages.reduce((total, usage) => total + (pick(usage) ?? 0), 0);
  return {
    turns: rows.length,
    input_tokens: sum((usage) => usage.inputTokens),
    output_tokens: sum((usage) => usage.outputTokens),
    cache_read_tokens: sum((usage) => usage.cacheReadInputTokens),
    cache_creation_tokens: sum((usage) => usage.cacheCreationInputTokens),
  };
}

function costOf(usage: TokenUsage): number {
  const price = findPrice(SHIPPED_PRICES, OPUS)?.price ?? expect.fail('the model has no price');
  const micros =
    usage.inputTokens * price.input +
    usage.outputTokens * price.output +
    usage.cacheReadInputTokens * price.cacheRead +
    usage.cacheCreationInputTokens * price.cacheWrite;
  return Math.round(micros) / 1e6;
}

describe('what turns used', () => {
  beforeAll(async () => {
    await post('team-a', ask('one', { metadata: { user_id: 'customer-7' } }), thread('one')).expect(200);
    await post('team-a', ask('two', { metadata: { user_id: 'customer-8' }, stream: true }), thread('one')).expect(200);
    await post('team-a', ask('fail'), thread('two')).expect(529);
    await post('team-b', ask('strange'), thread('one')).expect(200);
    await post('team-b', recorded('side-question').body, CLAUDE_CODE).expect(200);
    const session = supertest.agent(app.url).set('x-api-key', secret('team-b'));
    await session.post('/api/session/test:s').send({ harness_type: 'claudecode' }).expect(200);
    const { body: started } = await session
      .post('/api/session/test:s/execute')
      .send({ idempotency_key: randomUUID(), metadata: { user_id: 'customer-9' }, input_lines: ['hi'] })
      .expect(200);
    // Until its end.
    await session.get('/api/session/test:s/events').query({ execution_id: started.execution_id }).expect(200);
  });

  it('is the same in the turns, in /metrics, in /api/usage and in chiron usage', async () => {
    const { total } = await read('ops');
    expect(total).toMatchObject(await sumOfTurns());
    const expected = 4 * costOf(TOTAL) + costOf(CALL_USAGE);
    expect(total.cost_usd).toBeCloseTo(expected, 6);
    expect(total.unpriced_turns).toBe(1);
    expect(await metric('chiron_turns_total')).toBe(total.turns);
    expect(await metric('chiron_tokens_total')).toBe(
      total.input_tokens + total.output_tokens + total.cache_read_tokens + total.cache_creation_tokens,
    );
    expect(await metric('chiron_cost_usd_total')).toBeCloseTo(total.cost_usd ?? -1, 6);
    expect(await metric('chiron_unpriced_turns_total')).toBe(1);
    const { status, stdout, stderr } = await chiron('--json', '--by', 'tenant,model,day');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual(await read('ops', { group_by: 'tenant,model,day' }));
  });

  it('is billed to the key, the user and the model of its requests', async () => {
    const { data } = await read('ops', { group_by: 'tenant,key,user', tenant: 'team-a' });
    const of = { tenant: 'team-a', key: keys.get('team-a')?.id };
    expect(data).toHaveLength(3);
    expect(data).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ ...of, user: 'customer-7', turns: 1, input_tokens: 1_000, cost_usd: costOf(TOTAL) }),
        expect.objectContaining({ ...of, user: 'customer-8', turns: 1 }),
        expect.objectContaining({ ...of, user: null, turns: 1, input_tokens: CALL_USAGE.inputTokens }),
      ]),
    );
    const models = await read('team-b', { group_by: 'harness,model' });
    expect(models.data.map(({ harness, model }) => [harness, model])).toEqual(
      expect.arrayContaining([
        ['claude-code', 'claude-code'],
        ['claude-code', OPUS],
      ]),
    );
    expect((await read('team-b', { group_by: 'user' })).data.map(({ user }) => user)).toContain('customer-9');
  });

  it('is that of the caller’s own tenant, and of all tenants for an admin key', async () => {
    expect((await read('team-a')).total.turns).toBe(3);
    expect((await read('team-a', { tenant: 'team-a' })).total.turns).toBe(3);
    expect((await read('team-a', { group_by: 'tenant' })).data.map(({ tenant }) => tenant)).toEqual(['team-a']);
    expect((await read('ops', { group_by: 'tenant' })).data.map(({ tenant }) => tenant)).toEqual(['team-a', 'team-b']);
    expect((await read('ops', { tenant: 'nobody' })).total).toMatchObject({ turns: 0, cost_usd: 0 });
  });

  it('is that of the days that are asked for', async () => {
    expect((await read('ops', { from: DAY, to: '2999-12-31', group_by: 'day' })).total.turns).toBe(6);
    expect((await read('ops', { from: '2999-12-31' })).total.turns).toBe(0);
    expect((await read('ops', { to: '2000-01-01' })).total.turns).toBe(0);
  });

  it('stays when threads are removed: a caller’s own, and those of side requests', async () => {
    const before = await read('ops');
    await supertest(app.url).delete('/api/session/test:one').set('x-api-key', secret('team-a')).expect(200);
    await app.app.get(SideThreadRemover).remove(Date.now() + 3_600_000);
    const kept = await app.app.get(Database).kysely.selectFrom('threads').select('key').execute();
    expect(kept.filter(({ key }) => key.startsWith('side:'))).toEqual([]);
    expect(await app.app.get(ThreadStore).find('team-a', 'test:one')).toBeUndefined();
    expect(await read('ops')).toEqual(before);
  });

  it('is CSV where the caller asks for it', async () => {
    const query = { group_by: 'user', tenant: 'team-a' };
    const get = () => supertest(app.url).get('/api/usage').set('x-api-key', secret('ops'));
    const byFormat = await get()
      .query({ ...query, format: 'csv' })
      .expect(200);
    expect(byFormat.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(byFormat.text).toMatch(/^user,turns,input_tokens,.*\r\n/);
    expect(byFormat.text).toContain('customer-7,1,1000,200,');
    const byHeader = await get().query(query).set('accept', 'text/csv').expect(200);
    expect(byHeader.text).toBe(byFormat.text);
    expect((await get().query(query).set('accept', '*/*')).headers['content-type']).toMatch(/json/);
    expect((await chiron('--csv', '--by', 'user', '--tenant', 'team-a')).stdout).toBe(byFormat.text);
  });

  it('is a table on the command line', async () => {
    const { stdout } = await chiron('--by', 'tenant', '--from', DAY);
    const lines = stdout.trim().split('\n');
    expect(lines[0]).toMatch(/^tenant +turns +input +output +cache read +cache written +US dollars +unpriced$/);
    expect(lines.map((line) => line.split(/ +/).slice(0, 2))).toEqual([
      ['tenant', 'turns'],
      ['team-a', '3'],
      ['team-b', '3'],
      ['total', '6'],
    ]);
  });

  it.each([{ from: 'yesterday' }, { from: '2027-02-01', to: '2027-01-01' }, { group_by: 'colour' }, { format: 'xml' }])(
    'is not given for a query that is wrong: %j',
    async (query) => {
      const response = await supertest(app.url).get('/api/usage').query(query).set('x-api-key', secret('ops'));
      expect(response.status).toBe(400);
      expect(response.body).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } });
      expect(document.differences('getUsage', response)).toEqual([]);
    },
  );

  it('is refused by the command line with the same sentences', async () => {
    expect(await chiron('--from', 'yesterday')).toMatchObject({
      status: 1,
      stderr: 'Chiron failed: from: must be a day like 2027-01-31\n',
    });
    expect((await chiron('--csv', '--json')).status).toBe(1);
  });
});
