// Over 250 lines because each field of a policy and each limit is tried over both APIs, with one set of helpers.
import { createHash, randomUUID } from 'node:crypto';
import supertest from 'supertest';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { recorded } from '../../src/clients/claude-code/__fixtures__/recorded.js';
import type { Policy } from '../../src/domain/policy/policy.js';
import { readPromptText } from '../../src/domain/prompt.js';
import { Database } from '../../src/storage/database/database.js';
import { Sandbox } from '../../src/sandbox/sandbox.js';
import { EventLog } from '../../src/storage/event-log/event-log.js';
import { KeyStore, type KeyRole, type MadeKey } from '../../src/storage/stores/key.store.js';
import { TenantStore } from '../../src/storage/stores/tenant.store.js';
import { eventually } from '../support/eventually.js';
import { ApiDocument } from '../support/openapi.js';
import { ask, thread } from '../support/requests.js';
import { CALL_USAGE, modelCall, textBlock } from '../support/scripted-harness.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const TOOL = { tools: [{ name: 'approve', input_schema: { type: 'object' } }] };
const CLAUDE_CODE = { 'user-agent': 'claude-cli/2.1.330 (external, cli)', 'x-claude-code-session-id': 'S' };
const CONFIGURED = 'key-of-alice-that-is-long-enough';
const TOKENS = CALL_USAGE.inputTokens + CALL_USAGE.outputTokens + 107;

let app: TestApp;
let document: ApiDocument;
let admin: MadeKey;
/** A tenant and a key of it, for each test. */
let tenant = '';
let key: MadeKey;
let count = 0;

beforeAll(async () => {
  const apiKeys = [{ name: 'alice', sha256: createHash('sha256').update(CONFIGURED).digest() }];
  app = await startTestApp({ apiKeys, onBusy: 'interrupt' });
  document = await ApiDocument.of(app.url);
  app.harness.onRun = (run) => {
    const model = { type: 'model-call-start', model: 'claude-opus-5-5', usage: CALL_USAGE } as const;
    if (!readPromptText(run.turn.prompt).includes('wait'))
      run.end(model, ...textBlock('fine'), { ...model, type: 'model-call-end' });
  };
  await app.app.get(TenantStore).create('ops', 'cli');
  admin = await make('ops', 'admin');
});

beforeEach(async () => {
  count += 1;
  tenant = `team-${count}`;
  await app.app.get(TenantStore).create(tenant, 'cli');
  key = await make(tenant);
});

afterEach(async () => {
  // A turn that was accepted may not have begun to run yet.
  await eventually(() => {
    for (const run of waitingRuns()) run.endAs('interrupted');
    return unfinished();
  }).toBe(0);
});

afterAll(() => app.close());

const waitingRuns = () => app.harness.runs.filter(({ ended }) => !ended);

async function make(of: string, role: KeyRole = 'user'): Promise<MadeKey> {
  const made = await app.app.get(KeyStore).create({ tenant: of, role }, 'cli');
  if (made === undefined) throw new Error('no key was made');
  return made;
}

async function unfinished(): Promise<number> {
  const query = app.app.get(Database).kysely.selectFrom('turns').select('id');
  return (await query.where('state', 'in', ['queued', 'running']).execute()).length;
}

async function set(path: string, policy: object, secret = admin.secret): Promise<supertest.Response> {
  const response = await supertest(app.url).put(`/api/admin/${path}/policy`).set('x-api-key', secret).send(policy);
  const id = path.startsWith('keys') ? 'setKeyPolicy' : 'setTenantPolicy';
  expect(document.differences(id, response)).toEqual([]);
  return response;
}

async function limitKey(policy: Policy): Promise<void> {
  expect((await set(`keys/${key.key.id}`, policy)).status).toBe(200);
}

async function limitTenant(policy: Policy): Promise<void> {
  expect((await set(`tenants/${tenant}`, policy)).status).toBe(200);
}

async function post(
  body: object = ask('hi'),
  headers: Readonly<Record<string, string>> = thread(randomUUID()),
  secret = key.secret,
): Promise<supertest.Response> {
  const response = await supertest(app.url)
    .post('/v1/messages')
    .set({ ...headers, 'x-api-key': secret })
    .send(body);
  if (response.headers['content-type']?.startsWith('application/json') === true)
    expect(document.differences('createMessage', response)).toEqual([]);
  return response;
}

const session = (path: string, body?: object) => {
  const url = `/api/session/${path}`;
  const request = supertest(app.url);
  return (body === undefined ? request.get(url) : request.post(url).send(body)).set('x-api-key', key.secret);
};

/** How many threads and turns there are, of all tenants. */
const stored = async () => [await app.count('threads'), await app.count('turns')];

const refused = (type: string, message: string) => ({ type: 'error', error: { type, message } });

/** Sends the request of a running turn again. Resolves once the turn has both callers, with the second answer to come. */
async function retry(
  text: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly answer: Promise<supertest.Response> }> {
  const answer = post(ask(text), headers);
  await vi.waitFor(() => expect(app.app.get(EventLog).stats.readers).toBe(2), { timeout: 10_000 });
  return { answer };
}

/** A turn that runs until the test lets it end. */
async function startWaiting(text = `wait ${randomUUID()}`, headers = thread(randomUUID())): Promise<string> {
  void post(ask(text), headers).then(() => undefined);
  await app.harness.run(text);
  return text;
}

describe('a policy about the agent', () => {
  it('runs no turn where nothing keeps the agent from other hosts', async () => {
    await limitTenant({ sandbox_hosts: ['a.example'] });
    const response = await post();
    if (app.app.get<Sandbox>(Sandbox).isolates) {
      expect(response.status).toBe(200);
      return;
    }
    expect([response.status, response.headers['x-should-retry'], response.body]).toMatchObject([
      500,
      'false',
      refused('api_error', expect.stringContaining('needs a sandbox that isolates')),
    ]);
  });

  it('runs no turn from a template that is not there', async () => {
    await limitKey({ workspace_template: 'team-a' });
    const response = await post();
    expect([response.status, response.headers['x-should-retry'], response.body]).toMatchObject([
      500,
      'false',
      refused('api_error', expect.stringContaining('the workspace template team-a, which this server')),
    ]);
  });

  it.each([
    { workspace_template: '../x' },
    { workspace_template: '.' },
    { workspace_template: 'a/b' },
    { workspace_template: '' },
    { sandbox_hosts: ['a b'] },
    { sandbox_hosts: ['https://a.example'] },
    { sandbox_hosts: 'a.example' },
  ])('is refused if it is malformed: %j', async (policy) => {
    const { status, body } = await set(`tenants/${tenant}`, policy);
    expect([status, body.error.message]).toEqual([400, expect.stringContaining(Object.keys(policy)[0] ?? '')]);
  });
});

describe('a policy', () => {
  it('is set and read by an admin key, replaces the one before, and is in the audit log', async () => {
    const policy = { harnesses: ['claude-code'], models: ['claude-*'], caller_tools: false, usd_per_month: 12.5 };
    expect((await set(`keys/${key.key.id}`, policy)).body).toEqual({ key_id: key.key.id, tenant, policy });
    expect((await set(`tenants/${tenant}`, { concurrent_turns: 3, models: null })).body).toEqual({
      tenant,
      policy: { concurrent_turns: 3 },
    });
    await limitKey({ tokens_per_day: 5 });
    for (const [id, path, expected] of [
      ['getKeyPolicy', `keys/${key.key.id}`, { tokens_per_day: 5 }],
      ['getTenantPolicy', `tenants/${tenant}`, { concurrent_turns: 3 }],
    ] as const) {
      const read = await supertest(app.url).get(`/api/admin/${path}/policy`).set('x-api-key', admin.secret);
      expect([document.differences(id, read), read.body.policy]).toEqual([[], expected]);
    }
    const audit = await supertest(app.url).get('/api/admin/audit').set('x-api-key', admin.secret);
    expect(document.differences('listAuditEntries', audit)).toEqual([]);
    expect(audit.body.data.slice(0, 3)).toMatchObject([
      {
        action: 'key.policy',
        actor: admin.key.id,
        tenant,
        key_id: key.key.id,
        details: { policy: { tokens_per_day: 5 } },
      },
      { action: 'tenant.policy', actor: admin.key.id, tenant, key_id: null },
      { action: 'key.policy', details: { policy } },
    ]);
  });

  it.each([
    [{ colour: 'blue' }, 'colour: there is no such field'],
    [{ requestsPerMinute: 5 }, 'requestsPerMinute: there is no such field'],
    [{ models: 'claude-*' }, 'models: '],
    [{ models: [] }, 'models: '],
    [{ models: [5] }, 'models'],
    [{ harnesses: ['Claude Code'] }, 'harnesses: '],
    [{ tool_blocks: ['all'] }, 'tool_blocks: Input should be one of mcp, server, text, none'],
    [{ caller_tools: 'no' }, 'caller_tools: Input should be a valid boolean'],
    [{ concurrent_turns: -1 }, 'concurrent_turns: Input should be greater than or equal to 0'],
    [{ concurrent_turns: 1.5 }, 'concurrent_turns: Input should be a valid integer'],
    [{ tokens_per_day: '5' }, 'tokens_per_day: Input should be a valid integer'],
    [{ usd_per_month: '5' }, 'usd_per_month: '],
    [{ usd_per_month: 1e12 }, 'usd_per_month: '],
    [[], 'a JSON object is expected'],
  ])('is not set when it is wrong: %j', async (policy, problem) => {
    const { status, body } = await set(`tenants/${tenant}`, policy);
    expect([status, body.error.type]).toEqual([400, 'invalid_request_error']);
    expect(body.error.message).toContain(problem);
    expect((await post()).status).toBe(200);
  });

  it('is of a tenant or a key that there is, and set by admin keys alone', async () => {
    expect((await set('tenants/nobody', {})).status).toBe(404);
    expect((await set('keys/key_000000000000000000000000', {})).status).toBe(404);
    expect((await set(`tenants/${tenant}`, {}, key.secret)).status).toBe(403);
  });

  it('binds also the keys of the settings, by the name of their tenant', async () => {
    await app.app.get(TenantStore).create('alice', 'cli');
    await set('tenants/alice', { models: ['gpt-*'] });
    expect((await post(ask('hi'), thread('alice'), CONFIGURED)).status).toBe(403);
    await set('tenants/alice', {});
    expect((await post(ask('hi'), thread('alice'), CONFIGURED)).status).toBe(200);
  });

  it('cannot be passed by while the store cannot say: a key of the store is refused, one of the settings starts no turns', async () => {
    const { kysely } = app.app.get(Database);
    const before = await stored();
    await kysely.schema.alterTable('tenants').renameTo('hidden').execute();
    try {
      for (const [secret, status] of [
        [key.secret, 503],
        [CONFIGURED, 200],
      ] as const) {
        expect((await supertest(app.url).get('/v1/models').set('x-api-key', secret)).status).toBe(status);
        expect((await post(ask('hi'), thread('unread'), secret)).body.error.message).toMatch(
          /cannot check policies now/,
        );
      }
    } finally {
      await kysely.schema.alterTable('hidden').renameTo('tenants').execute();
    }
    expect(await stored()).toEqual(before);
    expect((await post()).status).toBe(200);
  });

  it('has to be satisfied by the key and by the tenant', async () => {
    await limitTenant({ models: ['claude-*'] });
    await limitKey({ harnesses: ['demo'] });
    expect((await post()).body).toMatchObject(
      refused('permission_error', 'The policy of this key does not allow the harness claude-code: it allows demo.'),
    );
    await limitKey({});
    expect((await post()).status).toBe(200);
    expect((await post(ask('hi', { model: 'demo' }))).body).toMatchObject(
      refused('permission_error', 'The policy of this tenant does not allow the model demo: it allows claude-*.'),
    );
  });
});

describe('what a policy does not allow is a 403, and nothing is stored:', () => {
  it.each([
    ['a harness', { harnesses: ['codex'] }, ask('hi'), {}],
    ['a model', { models: ['claude-haiku-*'] }, ask('hi'), {}],
    [
      'a model behind the name of its harness',
      { models: ['claude-code*'] },
      ask('hi', { model: 'claude-code/claude-opus-5-5' }),
      {},
    ],
    ['the default model of a harness', { models: ['claude-*-5'] }, ask('hi', { model: 'claude-code' }), {}],
    ['a form of tools by a header', { tool_blocks: ['none'] }, ask('hi'), { 'x-chiron-tool-blocks': 'text' }],
    ['a form of tools by itself', { tool_blocks: ['text', 'none'] }, ask('hi'), {}],
    ['tools of the caller', { caller_tools: false }, ask('hi', TOOL), {}],
    ['a system prompt of the caller', { caller_system: false }, ask('hi', { system: 'Be brief.' }), {}],
    ['a thread', { thread_key_prefixes: ['ci:', 'test:ci-'] }, ask('hi'), {}],
    ['a session of Claude Code', { thread_key_prefixes: ['ci:'] }, recorded('main-first').body, CLAUDE_CODE],
  ] satisfies readonly (readonly [string, Policy, object, object])[])('%s', async (_, policy, body, headers) => {
    await limitKey(policy);
    const before = await stored();
    const named = 'user-agent' in headers ? headers : { ...thread('mine'), ...headers };
    const response = await post(body, named);
    expect([response.status, response.body.error?.type]).toEqual([403, 'permission_error']);
    expect(response.headers['x-should-retry']).toBe('false');
    expect(await stored()).toEqual(before);
    await limitKey({});
    expect((await post(body, named)).status).toBe(200);
  });

  it.each([
    [{ harnesses: ['claude-code'] }, ask('hi')],
    [{ models: ['CLAUDE-opus-*'] }, ask('hi')],
    [{ models: ['claude-opus-*'] }, ask('hi', { model: 'claude-code/claude-opus-5-5' })],
    [{ models: ['claude-code'] }, ask('hi', { model: 'claude-code' })],
    [{ tool_blocks: ['mcp'] }, ask('hi')],
    [{ caller_tools: true, caller_system: true }, ask('hi', { ...TOOL, system: 'Be brief.' })],
    [{ caller_tools: false, caller_system: false }, ask('hi')],
    [{ thread_key_prefixes: ['test:'] }, ask('hi')],
  ] satisfies readonly (readonly [Policy, object])[])('but not what %j allows', async (policy, body) => {
    await limitKey(policy);
    expect((await post(body)).status).toBe(200);
  });

  it('a thread of another model or harness, whatever model its next message names', async () => {
    await post(ask('hi'), thread('theirs'));
    await limitKey({ models: ['claude-haiku-*'] });
    const before = await stored();
    const { status } = await post(ask('again', { model: 'claude-haiku-5-5' }), thread('theirs'));
    expect([status, await stored()]).toEqual([403, before]);
  });

  it('a thread that is named by a message of it, also to cancel it; threads without a name go on', async () => {
    const first = await post(ask('a secret'), thread('theirs'));
    await limitKey({ thread_key_prefixes: ['mine:'] });
    const before = await stored();
    const named = ask('which?', { thread: { type: 'continue', previous_message_id: first.body.id } });
    expect((await post(named, {})).status).toBe(403);
    const cancel = () => supertest(app.url).post(`/v1/messages/${first.body.id}/cancel`).set('x-api-key', key.secret);
    expect([(await cancel()).status, await stored()]).toEqual([403, before]);
    const nameless = await post(ask('something else'), {});
    expect(nameless.status).toBe(200);
    const messages = [
      { role: 'user', content: 'something else' },
      { role: 'assistant', content: nameless.body.content },
      { role: 'user', content: 'and then?' },
    ];
    const next = await post(ask('', { messages }), {});
    const threadKey = String(next.headers['x-chiron-thread-key']);
    expect([next.status, threadKey]).toEqual([200, nameless.headers['x-chiron-thread-key']]);
    expect((await post(ask('by its key'), { 'x-chiron-thread-key': threadKey })).status).toBe(403);
  });

  it('in the session API, in its own form', async () => {
    await limitKey({ harnesses: ['demo'], thread_key_prefixes: ['mine:'] });
    const before = await stored();
    const other = await session('theirs:one', {});
    const made = await session('mine:one', { harness_type: 'claudecode' });
    for (const [id, response] of [
      ['createSession', other],
      ['createSession', made],
    ] as const) {
      expect([response.status, document.differences(id, response)]).toEqual([403, []]);
      expect(response.body).toMatchObject({
        ok: false,
        error: expect.stringContaining('The policy of this key does not'),
      });
    }
    expect((await session('theirs:one')).status).toBe(403);
    expect(await stored()).toEqual(before);
    await session('mine:one', { harness_type: 'demo' }).expect(200);
    await limitKey({ models: ['claude-*'] });
    const executed = await session('mine:one/execute', { input_lines: ['hi'] });
    expect([executed.status, document.differences('executeSession', executed)]).toEqual([403, []]);
    expect(await app.count('turns')).toBe(before[1]);
  });

  it('never a side request of Claude Code for its tools or its system prompt: its agent has none', async () => {
    await limitKey({ tool_blocks: ['text'], caller_system: false });
    expect((await post(recorded('side-question').body, CLAUDE_CODE)).status).toBe(200);
  });
});

describe('the limit of concurrent turns', () => {
  it.each([
    ['key', limitKey, 'The policy of this key allows 1 turns at the same time.'],
    ['tenant', limitTenant, 'The policy of this tenant allows 1 turns at the same time.'],
  ] as const)('of a %s refuses the next turn until one has ended, and stores nothing', async (_, limit, message) => {
    await limit({ concurrent_turns: 1 });
    const waiting = await startWaiting();
    const before = await stored();
    const response = await post();
    expect(response.status).toBe(429);
    expect(response.body).toMatchObject(refused('rate_limit_error', message));
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
    expect(await stored()).toEqual(before);
    app.harness.runsOf(waiting)[0]?.answer('done');
    await eventually(async () => (await post()).status).toBe(200);
  });

  it('does not refuse a retry, which attaches to its turn', async () => {
    await limitKey({ concurrent_turns: 1 });
    const text = await startWaiting('wait for the retry', thread('retried'));
    const { answer } = await retry(text, thread('retried'));
    app.harness.runsOf(text)[0]?.answer('once');
    const { status, body } = await answer;
    expect([status, body.content[0].text]).toEqual([200, 'once']);
    expect(app.harness.runsOf(text)).toHaveLength(1);
  });

  it('does not refuse a message that interrupts the turn which takes the slot', async () => {
    await limitKey({ concurrent_turns: 1 });
    await startWaiting('wait until interrupted', thread('busy'));
    const { status, body } = await post(ask('instead'), thread('busy'));
    expect([status, body.content?.[0]?.text]).toEqual([200, 'fine']);
  });

  it('counts the executions of the session API, and refuses them in its form', async () => {
    await limitKey({ concurrent_turns: 1 });
    await session('test:s', { harness_type: 'claudecode' }).expect(200);
    await startWaiting();
    const response = await session('test:s/execute', { input_lines: ['hi'] });
    expect([response.status, document.differences('executeSession', response)]).toEqual([429, []]);
    expect(response.body).toEqual({ ok: false, error: 'The policy of this key allows 1 turns at the same time.' });
  });

  it('holds exactly for many requests at the same moment, and leaves no thread of those that it refuses', async () => {
    await limitTenant({ concurrent_turns: 5 });
    const [threads] = await stored();
    const statuses: number[] = [];
    const texts = Array.from({ length: 60 }, (_, index) => `wait at once ${index}`);
    const all = texts.map(async (text) => statuses.push((await post(ask(text))).status));
    await vi.waitFor(() => expect(statuses).toHaveLength(55), { timeout: 15_000 });
    expect(new Set(statuses)).toEqual(new Set([429]));
    expect([(await stored())[0], await unfinished()]).toEqual([(threads ?? 0) + 5, 5]);
    await eventually(() => waitingRuns().length).toBe(5);
    for (const run of waitingRuns()) run.answer('done');
    await Promise.all(all);
    expect(statuses.filter((status) => status === 200)).toHaveLength(5);
  });
});

describe('the limit of requests per minute', () => {
  it('is told with every response, and refuses more with the time to wait, whatever they ask', async () => {
    await limitKey({ requests_per_minute: 3 });
    const left: (string | undefined)[] = [];
    for (const path of ['/v1/models', '/api/sessions', '/api/session/test:none']) {
      const { headers } = await supertest(app.url).get(path).set('x-api-key', key.secret);
      expect(headers['anthropic-ratelimit-requests-limit']).toBe('3');
      expect(headers['anthropic-ratelimit-requests-reset']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      left.push(headers['anthropic-ratelimit-requests-remaining']);
    }
    expect(left).toEqual(['2', '1', '0']);
    const before = await stored();
    const response = await post();
    expect([response.status, await stored()]).toEqual([429, before]);
    expect(response.body).toMatchObject(
      refused('rate_limit_error', 'The policy of this key allows 3 requests per minute.'),
    );
    expect(response.headers['anthropic-ratelimit-requests-remaining']).toBe('0');
    const wait = Number(response.headers['retry-after']);
    expect([wait > 0, wait <= 60]).toEqual([true, true]);
    const listed = await supertest(app.url).get('/api/sessions').set('x-api-key', key.secret);
    expect([listed.status, listed.body.ok, document.differences('listSessions', listed)]).toEqual([429, false, []]);
  });

  it('lets exactly as many through as it allows of many at the same moment', async () => {
    await limitTenant({ requests_per_minute: 100 });
    const statuses = await Promise.all(
      Array.from(
        { length: 300 },
        async () => (await supertest(app.url).get('/v1/models').set('x-api-key', key.secret)).status,
      ),
    );
    expect(statuses.filter((status) => status === 200)).toHaveLength(100);
    expect(statuses.filter((status) => status === 429)).toHaveLength(200);
  });

  it('of a key takes nothing from its tenant when it refuses, and the tighter one is told', async () => {
    await limitTenant({ requests_per_minute: 4 });
    await limitKey({ requests_per_minute: 1 });
    const get = (secret: string) => supertest(app.url).get('/v1/models').set('x-api-key', secret);
    const first = await get(key.secret);
    expect(first.headers['anthropic-ratelimit-requests-limit']).toBe('1');
    for (let index = 0; index < 3; index += 1) expect((await get(key.secret)).status).toBe(429);
    const { secret } = await make(tenant);
    const other = await get(secret);
    expect([other.status, other.headers['anthropic-ratelimit-requests-remaining']]).toEqual([200, '2']);
  });

  it('does not hold for the admin API, nor for callers without it, whose responses say nothing of limits', async () => {
    await set(`keys/${admin.key.id}`, { requests_per_minute: 0 });
    expect((await set(`keys/${admin.key.id}`, {})).status).toBe(200);
    const { headers } = await post();
    expect(Object.keys(headers).filter((name) => name.startsWith('anthropic-ratelimit'))).toEqual([]);
  });
});

describe('the limit of tokens per day', () => {
  it('refuses new turns once they are used, until midnight UTC, and is told with every response', async () => {
    await limitKey({ tokens_per_day: TOKENS + 1 });
    const first = await post();
    expect(first.headers['anthropic-ratelimit-tokens-limit']).toBe(String(TOKENS + 1));
    expect(first.headers['anthropic-ratelimit-tokens-remaining']).toBe(String(TOKENS + 1));
    const last = await post();
    expect([last.status, last.headers['anthropic-ratelimit-tokens-remaining']]).toEqual([200, '1']);
    const before = await stored();
    const response = await post();
    expect([response.status, await stored()]).toEqual([429, before]);
    expect(response.body.error.message).toContain(`allows ${TOKENS + 1} tokens per day`);
    expect(response.headers['anthropic-ratelimit-tokens-remaining']).toBe('0');
    expect(response.headers['anthropic-ratelimit-tokens-reset']).toMatch(/T00:00:00Z$/);
    const wait = Number(response.headers['retry-after']);
    expect([wait > 0, wait <= 86_400]).toEqual([true, true]);
    expect((await post(ask('hi'), thread(randomUUID()), (await make(tenant)).secret)).status).toBe(200);
  });

  it('of a tenant is used by all of its keys, lets a running turn end, and does not refuse a retry', async () => {
    await limitTenant({ tokens_per_day: TOKENS });
    const text = await startWaiting('wait beyond the limit', thread('beyond'));
    expect((await post(ask('hi'), thread(randomUUID()), (await make(tenant)).secret)).status).toBe(200);
    expect((await post()).status).toBe(429);
    const { answer } = await retry(text, thread('beyond'));
    app.harness.runsOf(text)[0]?.end(...modelCall(textBlock('to its end')));
    const { status, body } = await answer;
    expect([status, body.content[0].text]).toEqual([200, 'to its end']);
  });
});

describe('the budget of a month', () => {
  it('is a 402 once it is spent, that is not to be retried, in the form of each API', async () => {
    await session('test:budget', { harness_type: 'claudecode' }).expect(200);
    await limitKey({ usd_per_month: 0.0001 });
    expect((await post()).status).toBe(200);
    const before = await stored();
    const response = await post();
    expect([response.status, response.body.error.type, await stored()]).toEqual([402, 'billing_error', before]);
    expect(response.body.error.message).toMatch(
      /^The policy of this key allows 0\.0001 US dollars per month, which are spent\. The next month begins on \d{4}-\d\d-01\.$/,
    );
    expect([response.headers['x-should-retry'], response.headers['retry-after']]).toEqual(['false', undefined]);
    const executed = await session('test:budget/execute', { input_lines: ['hi'] });
    expect([executed.status, executed.body.ok, executed.headers['x-should-retry']]).toEqual([402, false, 'false']);
    expect(document.differences('executeSession', executed)).toEqual([]);
    await limitKey({ usd_per_month: 1 });
    expect((await post()).status).toBe(200);
  });

  it('of a tenant lets what runs go on to its end, and a retry attach', async () => {
    await limitTenant({ usd_per_month: 0.0001 });
    const text = await startWaiting('wait for the money', thread('paid'));
    await post();
    expect((await post()).status).toBe(402);
    const { answer } = await retry(text, thread('paid'));
    app.harness.runsOf(text)[0]?.answer('paid');
    expect((await answer).status).toBe(200);
  });
});
