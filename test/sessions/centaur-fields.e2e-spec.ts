import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { SessionReader } from '../support/session-events.js';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';

let app: TestApp;
let keys = 0;

function serverWith(settings: TestSettings): void {
  beforeAll(async () => {
    app = await startTestApp(settings);
  });
  afterAll(() => app.close());
}

const newKey = (): string => `api:fields-${(keys += 1)}`;
const path = (key: string, rest = ''): string => `/api/session/${encodeURIComponent(key)}${rest}`;
const post = (key: string, rest: string, body: object) => supertest(app.url).post(path(key, rest)).send(body);
const get = async (key: string) => (await supertest(app.url).get(path(key)).expect(200)).body;
const line = (text: string, more: object = {}): string =>
  JSON.stringify({ type: 'user', ...more, message: { role: 'user', content: [{ type: 'text', text }] } });

async function session(type = 'claudecode'): Promise<string> {
  const key = newKey();
  await post(key, '', { harness_type: type }).expect(200);
  return key;
}

/** Executes a line with these fields, answers it, and returns the execution and its events. */
async function executed(key: string, text: string, fields: object = {}) {
  const { body } = await post(key, '/execute', { input_lines: [line(text, fields)] }).expect(200);
  const run = await app.harness.run(text);
  run.answer('fine');
  const reader = await SessionReader.open(`${app.url}${path(key, `/events?execution_id=${body.execution_id}`)}`).done();
  return { body, run, reader };
}

describe('the model of an input line', () => {
  serverWith({});

  it('is that of the execution and of the later ones, in the same conversation', async () => {
    const key = await session();
    const first = await executed(key, 'with the default');
    first.run.say({ type: 'session-started', sessionId: 'conversation-1' });
    expect(first.run.thread.model).toBeUndefined();
    const second = await executed(key, 'with opus', { model: 'claude-opus-5-5' });
    expect(second.run.thread.model).toBe('claude-opus-5-5');
    expect(second.body.warnings).toBeUndefined();
    expect((await get(key)).model).toBe('claude-opus-5-5');
    const opened = app.harness.opened.length;
    const third = await executed(key, 'still with opus');
    expect(third.run.thread.model).toBe('claude-opus-5-5');
    const fourth = await executed(key, 'with opus by name', { model: 'claude-opus-5-5' });
    expect(fourth.run.thread.model).toBe('claude-opus-5-5');
    // The same process.
    expect(app.harness.opened).toHaveLength(opened);
  });

  it('is not changed to one that the agent does not have, and the user is told', async () => {
    const { body, run, reader } = await executed(await session(), 'with another', {
      model: 'gpt-6',
      reasoning: 'high',
    });
    const warnings = [
      'The model was not changed: claude-code has no model named gpt-6.',
      'The reasoning effort high was not used: it cannot be chosen here.',
    ];
    expect(body.warnings).toEqual(warnings);
    expect(run.thread.model).toBeUndefined();
    await reader.sees(`"delta":${JSON.stringify(`${warnings.join('\n')}\n\n`)}`);
    expect(reader.events.at(-1)?.data).toMatchObject({ result_text: 'fine' });
  });
});

describe('a session', () => {
  serverWith({});

  it('names the place on its chat platform', async () => {
    const key = `slack:T1:C${(keys += 1)}:17.2`;
    await post(key, '', { harness_type: 'claudecode' }).expect(200);
    expect(await get(key)).toMatchObject({ platform: 'slack', slack: { channel_id: `C${keys}`, thread_ts: '17.2' } });
    expect((await get(await session())).platform).toBe('unknown');
  });

  it('is cancelled only when that is asked for', async () => {
    const key = await session();
    const { body } = await post(key, '/execute', { input_lines: [line('cancel me')] }).expect(200);
    const run = await app.harness.run('cancel me');
    const released = await post(key, '/cancel', { release_id: 'R1', cancel_inflight: false }).expect(200);
    expect(released.body).toMatchObject({ ok: true, release_id: 'R1', cancelled: false, execution_id: null });
    expect(run.interrupted).toBe(false);
    const cancelled = await post(key, '/cancel', { release_id: 'R2', cancel_inflight: true }).expect(200);
    expect(cancelled.body).toEqual({
      ok: true,
      release_id: 'R2',
      cancel_inflight: true,
      cancelled: true,
      execution_id: body.execution_id,
      thread_key: key,
    });
    await eventually(async () => (await get(key)).turns[0].status).toBe('cancelled');
    await post(key, '/cancel', { cancel_inflight: 'yes' }).expect(422);
    await post(newKey(), '/cancel', {}).expect(404);
  });

  it.each([
    ['a persona', { persona_id: 'eng' }, 'persona_id: there are no personas here'],
    ['repositories', { repos: [{ url: 'https://example.org/x.git' }] }, 'repos: no repositories are checked out here'],
  ])('is refused with %s, which it would lose', async (_, fields, error) => {
    const { body } = await post(newKey(), '', { harness_type: 'claudecode', ...fields }).expect(422);
    expect(body).toEqual({ ok: false, error: expect.stringContaining(error) });
  });

  it.each([
    { persona_id: null, repos: null },
    { persona_id: '', repos: [] },
    { persona_id: 'default', repos: {} },
  ])('is created with %j', async (fields) => {
    await post(newKey(), '', { harness_type: 'claudecode', ...fields }).expect(200);
  });

  it('refuses an environment for an execution, unless it is empty', async () => {
    const key = await session();
    const { body } = await post(key, '/execute', { input_lines: ['x'], environment: { A: 'secret-value' } }).expect(
      422,
    );
    expect(body.error).toMatch(/^environment: variables cannot be set/);
    expect(body.error).not.toContain('secret-value');
    await post(key, '/execute', { input_lines: ['empty environment'], environment: {} }).expect(200);
    (await app.harness.run('empty environment')).answer('fine');
  });
});

describe('a harness type that is not here', () => {
  serverWith({
    harnessAliases: [
      { type: 'amp', harness: 'claude-code' },
      { type: 'codex', harness: 'claude-code' },
    ],
  });

  it('is served by the harness of its alias, and shown as it was asked for', async () => {
    const key = newKey();
    const created = await post(key, '', { harness_type: 'amp' }).expect(200);
    expect(created.body).toMatchObject({ harness_type: 'amp', harness_switched: false });
    expect((await get(key)).harness_type).toBe('amp');
    const { reader } = await executed(key, 'by an alias');
    expect(reader.events.find(({ name }) => name === 'first_token')?.data).toMatchObject({ harness_type: 'amp' });
    // Another name of the same harness is no conflict.
    await post(key, '', { harness_type: 'codex' }).expect(200);
    await post(key, '', { harness_type: 'claudecode', on_harness_conflict: 'restart' }).expect(200);
  });

  it('can be switched to, and is refused with the types that there are', async () => {
    const key = await session('demo');
    const conflict = await post(key, '', { harness_type: 'amp' }).expect(409);
    expect(conflict.body).toMatchObject({ existing_harness: 'demo', requested_harness: 'amp' });
    const switched = await post(key, '', { harness_type: 'amp', on_harness_conflict: 'restart' }).expect(200);
    expect(switched.body).toMatchObject({ harness_type: 'claudecode', harness_switched: true });
    const unknown = await post(newKey(), '', { harness_type: 'hermes' }).expect(422);
    expect(unknown.body.error).toBe('harness_type: Input should be one of claudecode, codex, demo, amp');
    await post(newKey(), '', {}).expect(422);
  });
});

describe('an unknown or missing harness type', () => {
  serverWith({ harnessAliases: [{ type: '*', harness: 'demo' }] });

  it.each([{ harness_type: 'hermes' }, {}])('is served where the deployment says so: %j', async (body) => {
    const { body: created } = await post(newKey(), '', body).expect(200);
    expect(created.harness_type).toBe(body.harness_type ?? 'demo');
  });

  it('does not replace the types that there are', async () => {
    expect((await get(await session('claudecode'))).harness_type).toBe('claudecode');
  });
});
