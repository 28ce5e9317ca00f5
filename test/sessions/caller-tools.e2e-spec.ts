import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HarnessGateway } from '../../src/harness/harness.gateway.js';
import { eventually } from '../support/eventually.js';
import { ask, thread } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const TOOLS = {
  model: 'demo',
  tools: [{ name: 'approve', input_schema: { type: 'object' } }],
};
const CALL = '/call approve {"what":"deploy"}\nthen\n/call approve {"what":"announce"}';

interface Call {
  readonly id: string;
}

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});

afterAll(() => app.close());

/** Asks for two approvals on this thread; the agent waits for the first. */
async function park(name: string, at = app): Promise<string> {
  const { body } = await supertest(at.url).post('/v1/messages').set(thread(name)).send(ask(CALL, TOOLS)).expect(200);
  return (body as { readonly id: string }).id;
}

const sessionOf = async (name: string) =>
  (await supertest(app.url).get(`/api/session/test:${name}`).expect(200)).body as {
    readonly status: string;
    readonly waiting_calls: readonly Call[];
    readonly turns: readonly { readonly execution_id: string; readonly status: string }[];
  };
const answer = (name: string, execution: string, body: object, at = app) =>
  supertest(at.url).post(`/api/session/test:${name}/executions/${execution}/answer`).send(body);

describe('a session whose agent waits for a caller’s tool', () => {
  it('shows the calls, and takes their results in place of the caller', async () => {
    await park('answered');
    const parked = await sessionOf('answered');
    expect(parked).toMatchObject({
      status: 'parked',
      waiting_calls: [{ name: 'approve', input: { what: 'deploy' } }],
      turns: [{ status: 'parked', stop_reason: 'tool_use' }],
    });
    const [call] = parked.waiting_calls;
    const results = [{ tool_use_id: call?.id, content: [{ type: 'text', text: 'yes' }] }];
    const { body } = await answer('answered', parked.turns[0]?.execution_id ?? '', { results }).expect(200);
    expect(body).toMatchObject({ ok: true, execution_id: expect.stringMatching(/^exe_/) as string });
    const events = await supertest(app.url)
      .get('/api/session/test:answered/events')
      .query({ execution_id: (body as { readonly execution_id: string }).execution_id })
      .expect(200);
    expect(events.text).toContain('The tool returned: yes');
    // The tools of the request that called are still the agent's.
    expect(events.text).toContain('"completion_reason":"caller_tool_calls"');
    expect(events.text).toContain('"what":"announce"');
    expect(await sessionOf('answered')).toMatchObject({
      status: 'parked',
      turns: [{ status: 'parked' }, { status: 'completed' }],
    });
  });

  it('refuses results for other calls, and results that come again', async () => {
    const message = await park('refused');
    const [call] = (await sessionOf('refused')).waiting_calls;
    const right = [{ tool_use_id: call?.id, content: 'yes' }];
    const wrong = await answer('refused', message, { results: [{ tool_use_id: 'toolu_x' }] }).expect(400);
    expect((wrong.body as { readonly error: string }).error).toContain('unexpected `tool_use_id`');
    await answer('refused', message, { results: [] }).expect(422);
    await answer('refused', message, { results: [{ content: 'yes' }] }).expect(422);
    await answer('refused', 'exe_none', { results: right }).expect(404);
    const first = await answer('refused', message, { results: right, idempotency_key: 'k' }).expect(200);
    const again = await answer('refused', message, { results: right, idempotency_key: 'k' }).expect(200);
    expect(again.body).toMatchObject({ execution_id: (first.body as { readonly execution_id: string }).execution_id });
    await eventually(async () => (await sessionOf('refused')).status).toBe('parked');
    const late = await answer('refused', message, { results: right }).expect(409);
    expect(late.body).toMatchObject({ ok: false, code: 'not_waiting' });
  });

  it('counts as no running turn, and its process is stopped after a time of its own', async () => {
    const strict = await startTestApp({ maxConcurrentTurns: 1, parkedMs: 50, harnessIdleMs: 3_600_000 });
    try {
      await park('limits', strict);
      await supertest(strict.url)
        .post('/v1/messages')
        .send(ask('hi', { model: 'demo' }))
        .expect(200);
      await eventually(() => strict.app.get(HarnessGateway).counts.warm).toBe(1);
      const { body } = await supertest(strict.url).get('/api/session/test:limits');
      const { waiting_calls: calls } = body as { readonly waiting_calls: readonly Call[] };
      const results = calls.map(({ id }) => ({ type: 'tool_result', tool_use_id: id, content: 'late' }));
      const { body: late } = await supertest(strict.url)
        .post('/v1/messages')
        .set(thread('limits'))
        .send(ask(results, TOOLS))
        .expect(200);
      expect(JSON.stringify(late)).toContain('The tool returned: late');
    } finally {
      await strict.close();
    }
  });

  it('still waits after a restart of the server', async () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), 'chiron-parked-'));
    const first = await startTestApp({ dataDirectory });
    const message = await park('restart', first);
    const { body } = await supertest(first.url).get('/api/session/test:restart');
    const [call] = (body as { readonly waiting_calls: readonly Call[] }).waiting_calls;
    await first.close({ keepData: true });
    const second = await startTestApp({ dataDirectory });
    try {
      const results = [{ tool_use_id: call?.id, content: 'yes' }];
      await answer('restart', message, { results }, second).expect(200);
      await eventually(async () => {
        const { body: after } = await supertest(second.url).get('/api/session/test:restart');
        return (after as { readonly status: string }).status;
      }).toBe('idle');
    } finally {
      await second.close();
      rmSync(dataDirectory, { recursive: true, force: true });
    }
  });
});
