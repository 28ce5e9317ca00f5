import { createHash } from 'node:crypto';
import supertest from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { Metrics } from '../../src/ops/metrics/metrics.js';
import { PolicyStore } from '../../src/storage/stores/policy.store.js';
import { TenantStore } from '../../src/storage/stores/tenant.store.js';
import { TurnRunner } from '../../src/turns/running/turn.runner.js';
import { freePort } from '../support/free-port.js';
import { ask, thread } from '../support/requests.js';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';

let app: TestApp | undefined;

afterEach(async () => {
  await app?.close();
  app = undefined;
});

const start = async (settings: TestSettings = {}): Promise<TestApp> => (app = await startTestApp(settings));

const KEY = 'a-key-of-the-tests-that-is-long-enough';
const apiKeys = [{ name: 'tests', sha256: createHash('sha256').update(KEY).digest() }];

/** The samples of a text for Prometheus: names with labels, and values. */
function parse(text: string): ReadonlyMap<string, number> {
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

async function read({ url }: TestApp): Promise<ReadonlyMap<string, number>> {
  const { text } = await supertest(url)
    .get('/metrics')
    .expect(200)
    .expect('content-type', /^text\/plain; version=0\.0\.4/);
  return parse(text);
}

describe('the metrics', () => {
  it('agree with the turns and the answers', async () => {
    const server = await start();
    const usages = [];
    for (const prompt of ['one', '/fail overloaded', '/stream 30 10']) {
      const { body } = await supertest(server.url)
        .post('/v1/messages')
        .set(thread(`metrics-${prompt.replace(/\W/g, '-')}`))
        .send(ask(prompt, { model: 'demo' }));
      usages.push(body.usage);
    }
    const metrics = await read(server);
    expect(metrics.get('chiron_turns_total{harness="demo",outcome="completed"}')).toBe(2);
    expect(metrics.get('chiron_turns_total{harness="demo",outcome="overloaded"}')).toBe(1);
    expect(metrics.get('chiron_turn_duration_seconds_count{harness="demo"}')).toBe(3);
    const output = usages.reduce((sum, usage) => sum + Number(usage?.output_tokens ?? 0), 0);
    expect(output).toBeGreaterThan(0);
    expect(metrics.get('chiron_tokens_total{harness="demo",kind="output"}')).toBe(output);
    expect(metrics.get('chiron_http_requests_total{method="POST",route="/v1/messages",status="200"}')).toBe(2);
    expect(metrics.get('chiron_http_requests_total{method="POST",route="/v1/messages",status="529"}')).toBe(1);
    expect(metrics.get('chiron_harness_starts_total{harness="demo"}')).toBe(3);
    expect(metrics.get('chiron_turns_running')).toBe(0);
    expect(metrics.get('chiron_event_flush_duration_seconds_count')).toBeGreaterThan(0);
    expect(metrics.get('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
  });

  it('show a turn while it runs, and its readers', async () => {
    const server = await start();
    const body = JSON.stringify(ask('/sleep 3', { model: 'demo', stream: true }));
    const controller = new AbortController();
    const answer = fetch(`${server.url}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: controller.signal,
    });
    await expect.poll(async () => (await read(server)).get('chiron_turns_running')).toBe(1);
    expect((await read(server)).get('chiron_readers')).toBe(1);
    controller.abort();
    await expect(answer.then((response) => response.text())).rejects.toThrow();
    const dropped = 'chiron_readers_dropped_total{route="/v1/messages"}';
    await expect.poll(async () => (await read(server)).get(dropped)).toBe(1);
  });

  it('show the agents that wait for tools of their caller', async () => {
    const server = await start();
    server.harness.onRun = (run) =>
      run.finish([
        { type: 'caller-tool-call', id: 'toolu_1', name: 'look', input: {} },
        { type: 'turn-end', reason: 'tool_use' },
      ]);
    const tools = [{ name: 'look', input_schema: { type: 'object' } }];
    const post = (body: object) =>
      supertest(server.url).post('/v1/messages').set(thread('parked')).send(body).expect(200);
    const { body } = await post(ask('look', { tools }));
    await expect.poll(async () => (await read(server)).get('chiron_turns_parked')).toBe(1);
    expect((await read(server)).get('chiron_readers_dropped_total{route="/v1/messages"}')).toBeUndefined();
    server.harness.onRun = (run) => run.answer('seen');
    const results = [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'a tree' }];
    const history = [
      { role: 'user', content: 'look' },
      { role: 'assistant', content: body.content },
    ];
    await post(ask('look', { tools, messages: [...history, { role: 'user', content: results }] }));
    await expect.poll(async () => (await read(server)).get('chiron_turns_parked')).toBe(0);
  });

  it('count the requests that limits of policies refuse, by limit', async () => {
    const server = await start({ apiKeys });
    await server.app.get(TenantStore).create('tests', 'cli');
    const policies = server.app.get(PolicyStore);
    const post = (name: string, status: number) =>
      supertest(server.url)
        .post('/v1/messages')
        .set({ 'x-api-key': KEY, ...thread(name) })
        .send(ask('one', { model: 'demo' }))
        .expect(status);
    await post('spends', 200);
    await policies.setOfTenant('tests', { tokens_per_day: 1 }, 'cli');
    await post('is refused', 429);
    await policies.setOfTenant('tests', { requests_per_minute: 1 }, 'cli');
    await post('is the one', 200);
    await post('is one too many', 429);
    await policies.setOfTenant('tests', { concurrent_turns: 1 }, 'cli');
    const running = supertest(server.url)
      .post('/v1/messages')
      .set({ 'x-api-key': KEY, ...thread('runs') })
      .send(ask('/sleep 2', { model: 'demo' }))
      .then(({ status }) => status);
    await expect.poll(() => server.app.get(TurnRunner).counts.running).toBe(1);
    await post('is one too many at once', 429);
    expect(await running).toBe(200);
    const { text } = await server.app.get(Metrics).read();
    const refused = [...parse(text)].filter(([name]) => name.startsWith('chiron_limit_refusals_total'));
    expect(Object.fromEntries(refused)).toEqual({
      'chiron_limit_refusals_total{limit="tokens_per_day"}': 1,
      'chiron_limit_refusals_total{limit="requests_per_minute"}': 1,
      'chiron_limit_refusals_total{limit="concurrent_turns"}': 1,
    });
  });

  it('have one label for all paths that there are none of, and the pattern for those with an id', async () => {
    const server = await start();
    for (const path of ['/nothing-1', '/nothing-2']) await supertest(server.url).get(path).expect(404);
    for (const id of ['msg_1', 'msg_2']) await supertest(server.url).get(`/v1/models/${id}`).expect(404);
    const metrics = await read(server);
    expect(metrics.get('chiron_http_requests_total{method="GET",route="unmatched",status="404"}')).toBe(2);
    const withId = [...metrics].filter(([name]) => name.includes('/v1/models/') && name.includes('total{'));
    expect(withId).toHaveLength(1);
    expect(withId[0]?.[1]).toBe(2);
  });

  it('have a port of their own if they are told to, and are not on the port of the API then', async () => {
    const metricsPort = await freePort();
    const server = await start({ metricsPort, apiKeys });
    const own = `http://127.0.0.1:${metricsPort}`;
    expect(parse((await supertest(own).get('/metrics').expect(200)).text).get('chiron_turns_running')).toBe(0);
    await supertest(own).get('/v1/models').expect(404);
    await supertest(server.url).get('/metrics').expect(404);
  });

  it('need a key of their own on a server with keys', async () => {
    const server = await start({ apiKeys });
    await supertest(server.url).get('/metrics').set('x-api-key', KEY).expect(401);
    await server.close();
    const metricsKey = 'another-key-that-is-long-enough';
    const other = await start({ apiKeys, metricsKey });
    await supertest(other.url).get('/metrics').set('authorization', `Bearer ${KEY}`).expect(401);
    await supertest(other.url).get('/metrics').expect(401);
    await supertest(other.url).get('/metrics').set('authorization', `Bearer ${metricsKey}`).expect(200);
    await supertest(other.url).get('/v1/models').set('authorization', `Bearer ${metricsKey}`).expect(401);
  });
});
