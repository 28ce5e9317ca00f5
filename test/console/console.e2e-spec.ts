// Over 250 lines because every view of the page is walked through in one browser.
import { hostname } from 'node:os';
import type { Browser, Page } from 'playwright-core';
import supertest from 'supertest';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Metrics } from '../../src/ops/metrics/metrics.js';
import { KeyStore } from '../../src/storage/stores/key.store.js';
import { TenantStore } from '../../src/storage/stores/tenant.store.js';
import { CALL_USAGE, modelCall, textBlock } from '../support/scripted-harness.js';
import { eventually } from '../support/eventually.js';
import { ask, thread } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { browserSkipReason, findAccessibilityProblems, startBrowser } from './browser.js';

describe('the files of the console', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(() => app.close());

  it('are a page that may load and call this server alone', async () => {
    const { headers, text } = await supertest(app.url)
      .get('/console')
      .expect(200)
      .expect('content-type', /^text\/html/);
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self' 'sha256-/);
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(text).not.toMatch(/https?:\/\//);
  });

  it('are sent once to a browser that has them', async () => {
    const first = await supertest(app.url).get('/console/assets/index.js').expect(200);
    expect(first.headers['content-type']).toMatch(/^text\/javascript/);
    const { etag = '' } = first.headers;
    await supertest(app.url).get('/console/assets/index.js').set('if-none-match', etag).expect(304);
    await supertest(app.url).get('/console/assets/lib/preact-hooks.mjs').expect(200);
  });

  it.each(['main.js', '../main.js', '%2e%2e/main.js', 'views/../../../main.js', 'lib', ''])(
    'are no other file of the server (%s)',
    async (path) => {
      await supertest(app.url).get(`/console/assets/${path}`).expect(404);
    },
  );
});

describe.skipIf(browserSkipReason !== undefined)('the console in a browser', () => {
  let browser: Browser;
  let page: Page;
  let app: TestApp;
  /** What the browser reports of itself: errors of scripts, and refusals of the page's policy. */
  let complaints: string[];
  let keys: { readonly admin: string; readonly user: string };

  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  beforeEach(async () => {
    app = await startTestApp();
    app.harness.onRun = (run) => run.answer('Fine, thank you.');
    await app.app.get(TenantStore).create('acme', 'cli');
    const make = async (role: 'admin' | 'user') =>
      (await app.app.get(KeyStore).create({ tenant: 'acme', role }, 'cli'))?.secret ?? '';
    keys = { admin: await make('admin'), user: await make('user') };
    complaints = [];
    page = await browser.newPage({ viewport: { width: 390, height: 800 } });
    page.on('pageerror', ({ message }) => complaints.push(message));
    page.on('console', (message) => {
      // Answers such as a 401 are logged as errors, too.
      if (message.type() === 'error' && !/status of 40[13]/.test(message.text())) complaints.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(app.url) && !request.url().startsWith('data:')) complaints.push(request.url());
    });
  });
  afterEach(async () => {
    await page.close();
    await app.close();
    expect(complaints).toEqual([]);
  });

  const signIn = async (key = keys.user): Promise<void> => {
    await page.goto(`${app.url}/console`);
    await page.getByLabel('API key').fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Threads' }).waitFor();
  };
  const post = (name: string, prompt: string) =>
    supertest(app.url)
      .post('/v1/messages')
      .set({ 'x-api-key': keys.user, ...thread(name) })
      .send(ask(prompt));
  const assertAccessible = async (): Promise<void> => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await findAccessibilityProblems(page)).toEqual([]);
    }
  };
  /** On a phone nothing is cut off, and nothing scrolls sideways. */
  const assertFits = async (): Promise<void> => {
    const widths = 'document.documentElement.scrollWidth <= document.documentElement.clientWidth';
    expect(await page.evaluate(widths)).toBe(true);
  };

  it('asks for a key, and says so when it is wrong', async () => {
    await page.goto(`${app.url}/console`);
    await page.getByLabel('API key').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('The server does not know this key.').waitFor();
    await assertAccessible();
  });

  it('shows the threads of the tenant, and finds them by a part of their keys', async () => {
    await post('ticket-1', 'hi').expect(200);
    await post('ticket-2', 'hi').expect(200);
    await signIn();
    await page.getByRole('link', { name: 'test:ticket-2' }).waitFor();
    await assertAccessible();
    await assertFits();
    await page.getByLabel('Search by key').fill('TICKET-1');
    await eventually(() => page.getByRole('table').getByRole('link').allTextContents()).toEqual(['test:ticket-1']);
    await page.getByLabel('Search by key').fill('%');
    await page.getByText('No threads.').waitFor();
  });

  it('shows a turn as it happens, with its tools, and keeps what was said before', async () => {
    await post('live', 'Who are you?').expect(200);
    await signIn();
    await page.getByRole('link', { name: 'test:live' }).click();
    await page.getByText('Fine, thank you.').waitFor();
    app.harness.onRun = () => undefined;
    await page.getByLabel('Prompt').fill('{"this": "is no protocol"}');
    await page.getByRole('button', { name: 'Send' }).click();
    await eventually(() => app.harness.runs.length).toBe(2);
    const run = app.harness.runs.at(-1);
    run?.say({ type: 'tool-call', id: 't1', name: 'read', server: 'agent', input: { path: 'notes.txt' } });
    await page.getByText(/^Tool read running since \d/).waitFor();
    run?.say({ type: 'tool-result', id: 't1', isError: false, content: [{ type: 'text', text: 'buy milk' }] });
    await page.getByText(/^Tool read completed [\d.]+ m?s$/).click();
    await page.getByText('buy milk').waitFor();
    await page.getByText('"path": "notes.txt"').waitFor();
    run?.say({ type: 'text-delta', id: 'x', text: '<b>half' });
    await page.getByText('<b>half').waitFor();
    await assertAccessible();
    await assertFits();
    run?.end({ type: 'text-delta', id: 'x', text: ' an answer' }, { type: 'block-end', id: 'x' });
    await page.getByText('<b>half an answer').waitFor();
    await page.getByText('0 tokens').waitFor();
    const texts = await page.getByRole('list', { name: 'Conversation' }).getByRole('listitem').allTextContents();
    expect(texts.map((text) => text.replace(/\s+/g, ' '))).toEqual([
      'UserWho are you?',
      'Fine, thank you.',
      'Completed · 124 tokens · cost unknown',
      'User{"this": "is no protocol"}',
      expect.stringMatching(/^Tool read completed/),
      '<b>half an answer',
      'Completed · 0 tokens · $0.00',
    ]);
  });

  it('has the numbers of the answers, of the usage of the tenant and of the metrics', async () => {
    app.harness.onRun = (run) =>
      run.end(...textBlock('Priced.'), { type: 'model-call-end', model: 'claude-opus-5-5', usage: CALL_USAGE });
    const answers = [];
    for (const prompt of ['one', 'two', 'three']) {
      const { body } = await post('priced', prompt).expect(200);
      answers.push(body.usage);
    }
    const tokens = answers
      .flatMap((usage) => [
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_input_tokens,
        usage.cache_creation_input_tokens,
      ])
      .reduce((sum, count) => sum + Number(count), 0);
    expect(tokens).toBe(3 * 124);
    const { body } = await supertest(app.url).get('/api/usage').set('x-api-key', keys.user).expect(200);
    const { turns, cost_usd: cost, ...counts } = body.total;
    const sum = counts.input_tokens + counts.output_tokens + counts.cache_read_tokens + counts.cache_creation_tokens;
    expect([turns, sum]).toEqual([3, tokens]);
    expect(cost).toBeGreaterThan(0);
    const { text } = await app.app.get(Metrics).read();
    const metric = (name: string): number =>
      [...text.matchAll(new RegExp(`^chiron_${name}\\{.*\\} (.*)$`, 'gm'))].reduce(
        (all, [, value]) => all + Number(value),
        0,
      );
    expect([metric('turns_total'), metric('tokens_total')]).toEqual([turns, tokens]);
    expect(metric('cost_usd_total')).toBeCloseTo(cost, 9);
    await signIn();
    await page.getByRole('link', { name: 'test:priced' }).click();
    const ends = page.getByText(/^Completed · 124 tokens · \$/);
    await eventually(() => ends.count()).toBe(3);
    const costs = (await ends.allTextContents()).map((end) => Number(end.split('$').at(-1)));
    expect(costs.reduce((all, each) => all + each, 0)).toBeCloseTo(cost, 9);
    await page.getByRole('link', { name: 'Usage' }).click();
    const today = page.getByRole('row', { name: new Date().toISOString().slice(0, 10) });
    await today.waitFor();
    const [, shownTurns, shownTokens, shownCost] = await today.getByRole('cell').allTextContents();
    expect([shownTurns, shownTokens]).toEqual([String(turns), String(tokens)]);
    expect(Number(shownCost?.replace('$', ''))).toBeCloseTo(cost, 9);
  });

  it('interrupts a turn', async () => {
    app.harness.onRun = (run) => run.text('Working …');
    void post('busy', 'work').then(() => undefined);
    await eventually(() => app.harness.runs.length).toBe(1);
    await signIn();
    await page.getByRole('link', { name: 'test:busy' }).click();
    await page.getByText('Working …').waitFor();
    await page.getByRole('button', { name: 'Interrupt' }).click();
    await page.getByText('Cancelled').waitFor();
    expect(app.harness.runs[0]?.interrupted).toBe(true);
  });

  it('goes on where it was when the server comes back', async () => {
    app.harness.onRun = (run) => run.end(...modelCall(textBlock('before')));
    await post('steady', 'one').expect(200);
    await signIn();
    await page.getByRole('link', { name: 'test:steady' }).click();
    await page.getByText('before').waitFor();
    await page.context().setOffline(true);
    app.server.closeAllConnections();
    await page.getByText('The server cannot be reached.').waitFor();
    app.harness.onRun = (run) => run.answer('after');
    await post('steady', 'two').expect(200);
    await page.context().setOffline(false);
    await page.getByText('after').waitFor();
    expect(await page.getByText('before').count()).toBe(1);
    complaints = complaints.filter((text) => !text.includes('net::ERR'));
  });

  it('gives lines for other clients that name the thread, quoted for a shell', async () => {
    await post("it's", 'hi').expect(200);
    await signIn();
    await page.getByRole('link', { name: "test:it's" }).click();
    await page.getByText('Go on in another client').click();
    const lines = await page.locator('details pre').allTextContents();
    expect(lines.at(-5)).toMatch(/^CHIRON_URL='http.*' npx chiron join 'test:.*'$/);
    expect(lines.at(-4)).toMatch(/^ANTHROPIC_BASE_URL='http.*' claude$/);
    expect(lines.at(-3)).toMatch(/CHIRON_THREAD='test:.*' codex$/);
    for (const curl of lines.slice(-2)) expect(curl).toContain(String.raw`-H 'x-chiron-thread-key: test:it'\''s'`);
  });

  it('shows what the turns of the tenant used by day, in a chart and a table', async () => {
    await post('one', 'hi').expect(200);
    await post('two', 'hi').expect(200);
    await signIn();
    await page.getByRole('link', { name: 'Usage' }).click();
    const today = new Date().toISOString().slice(0, 10);
    await page.getByRole('row', { name: today }).waitFor();
    // The model calls of the scripted harness: 12 + 5 + 100 + 7 tokens each.
    expect(await page.getByRole('row', { name: today }).getByRole('cell').allTextContents()).toEqual([
      today,
      '2',
      '248',
      'unknown',
    ]);
    expect(await page.locator('.chart rect').count()).toBe(30);
    expect(await page.locator('.chart rect').last().getAttribute('height')).toBe('100');
    await assertAccessible();
    await assertFits();
  });

  it('shows admins which server runs which turn, as it changes, and nobody else', async () => {
    app.harness.onRun = (run) => run.text('Working …');
    void post('busy', 'work').then(() => undefined);
    await eventually(() => app.harness.runs.length).toBe(1);
    await signIn();
    expect(await page.getByRole('link', { name: 'Servers' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await signIn(keys.admin);
    await page.getByRole('link', { name: 'Servers' }).click();
    const cells = async (name: string) =>
      (await page.getByRole('row', { name }).getByRole('cell').allTextContents()).map((text) => text.trim());
    const server = hostname();
    const year = new Date().getFullYear();
    // Not the row of the turn: the list of threads, which is still there at first, has one like it.
    await page.getByRole('row', { name: `${server} all` }).waitFor();
    expect((await cells(`${server} all`)).slice(0, 5)).toEqual([server, 'all', 'up', '1 of 100', '0']);
    expect((await cells(`${server} all`))[6]).toBe('now');
    const [since, ...rest] = (await cells('test:busy')).toReversed();
    expect(rest.toReversed()).toEqual(['test:busy', 'acme', 'claude-code', 'running', server]);
    expect(since).toContain(String(year));
    await assertAccessible();
    await assertFits();
    app.harness.runs[0]?.answer('done');
    await page.getByText('No turns.').waitFor();
  });

  it('lets admins make and revoke keys, and nobody else', async () => {
    await signIn();
    expect(await page.getByRole('link', { name: 'Tenants and keys' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await signIn(keys.admin);
    await page.getByRole('link', { name: 'Tenants and keys' }).click();
    await page.getByLabel('New tenant').fill('team-a');
    await page.getByRole('button', { name: 'Make tenant' }).click();
    await page.getByText('team-a: 0 threads').waitFor();
    await page.getByRole('combobox', { name: 'Tenant' }).selectOption('team-a');
    await page.getByLabel('What it is for').fill('nightly build');
    await page.getByRole('button', { name: 'Make key' }).click();
    const secret = (await page.getByText('shown this once').locator('code').textContent()) ?? '';
    await supertest(app.url).get('/api/sessions').set('x-api-key', secret).expect(200);
    await assertAccessible();
    await assertFits();
    page.on('dialog', (dialog) => void dialog.accept());
    await page.getByRole('row', { name: 'nightly build' }).getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('row', { name: 'nightly build' }).getByText('revoked').waitFor();
    await supertest(app.url).get('/api/sessions').set('x-api-key', secret).expect(401);
  });

  it('lets admins change the policy of a tenant, and shows what the server refuses next to the form', async () => {
    await signIn(keys.admin);
    await page.getByRole('link', { name: 'Tenants and keys' }).click();
    await page.getByRole('link', { name: 'Policy of the tenant acme' }).click();
    await page.getByRole('heading', { name: 'Policy of the tenant acme' }).waitFor();
    const form = page.locator('form.policy');
    await form.getByLabel('Models').fill('claude-haiku-*\nclaude-code');
    await form.getByLabel('Requests may have a system prompt for the agent').uncheck();
    await form.getByLabel('text', { exact: true }).check();
    await form.getByLabel('Turns at the same time').fill('many');
    await form.getByRole('button', { name: 'Save policy' }).click();
    await form.getByRole('alert').getByText('concurrent_turns: Input should be a valid integer').waitFor();
    await assertAccessible();
    await assertFits();
    const read = async () =>
      (await supertest(app.url).get('/api/admin/tenants/acme/policy').set('x-api-key', keys.admin)).body.policy;
    expect(await read()).toEqual({});
    await form.getByLabel('Turns at the same time').fill('4');
    await page.keyboard.press('Enter');
    await form.getByRole('status').getByText('Saved.').waitFor();
    expect(await form.getByRole('alert').textContent()).toBe('');
    const policy = { models: ['claude-haiku-*', 'claude-code'], tool_blocks: ['text'], caller_system: false };
    expect(await read()).toEqual({ ...policy, concurrent_turns: 4 });
    await post('refused', 'hi').expect(403);
    await page.reload();
    expect(await form.getByLabel('Models').inputValue()).toBe('claude-haiku-*\nclaude-code');
    await form.getByLabel('Turns at the same time').fill('');
    await form.getByRole('button', { name: 'Save policy' }).click();
    await form.getByText('Saved.').waitFor();
    expect(await read()).toEqual(policy);
    complaints = complaints.filter((text) => !text.includes('status of 400'));
  });

  it('lets admins change the policy of a key', async () => {
    const key = (await app.app.get(KeyStore).list('acme')).find(({ role }) => role === 'user');
    await signIn(keys.admin);
    await page.getByRole('link', { name: 'Tenants and keys' }).click();
    await page.getByRole('link', { name: `Policy of the key ${key?.id}` }).click();
    await page.getByLabel('Harnesses').fill('codex');
    await page.getByRole('button', { name: 'Save policy' }).click();
    await page.getByText('Saved.').waitFor();
    await post('refused', 'hi').expect(403);
  });

  it('keeps the key in the tab alone, until its user signs out', async () => {
    await signIn();
    await page.reload();
    await page.getByRole('heading', { name: 'Threads' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.reload();
    await page.getByLabel('API key').waitFor();
    expect(await page.context().cookies()).toEqual([]);
    expect(await page.evaluate('JSON.stringify([localStorage, sessionStorage])')).toBe('[{},{}]');
  });
});
