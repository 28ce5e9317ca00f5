import { createHash } from 'node:crypto';
import supertest from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { TurnCallers } from '../../src/turns/matching/turn-callers.js';
import { eventually } from '../support/eventually.js';
import { ask } from '../support/requests.js';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';
import { PlainDoorModule } from './plain-door.js';

let app: TestApp | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
});

async function start(settings: TestSettings = {}) {
  app = await startTestApp(settings, { imports: [PlainDoorModule] });
  return { app, server: supertest(app.url) };
}

const KEY = 'a key of a deployment';
const OTHER_KEY = 'a key of another tenant';
const apiKeys = [KEY, OTHER_KEY].map((key) => ({ name: key, sha256: createHash('sha256').update(key).digest() }));

const hello = { thread: 'one', model: 'demo', text: 'hello' };

describe('a door that is added as a module', () => {
  it('runs a turn, answers with its text, and gives the same text again', async () => {
    const { server } = await start();
    const answer = await server
      .post('/plain')
      .send(hello)
      .expect(200)
      .expect('content-type', /^text\/plain/);
    expect(answer.text).toContain('You said: hello');
    const location = String(answer.headers['content-location']);
    expect(location).toMatch(/^\/plain\/\w+$/);
    expect((await server.get(location).expect(200)).text).toBe(answer.text);
  });

  it('attaches the same request to its turn until the answer was delivered; after that it is a new turn', async () => {
    const { server, app: running } = await start();
    const slow = { ...hello, model: 'claude-code' };
    const both = Promise.all([server.post('/plain').send(slow), server.post('/plain').send(slow)]);
    const run = await running.harness.run('hello');
    // Else the first answer may be delivered before the second request arrives.
    await eventually(() => running.app.get(TurnCallers).count(run.turn.id)).toBe(2);
    run.text('once');
    run.end();
    const [first, second] = await both;
    expect([first.text, second.text]).toEqual(['once', 'once']);
    expect(await running.count('turns')).toBe(1);
    running.harness.onRun = (next) => next.answer('twice');
    expect((await server.post('/plain').send(slow)).text).toBe('twice');
    expect(await running.count('turns')).toBe(2);
  });

  it('shows no text of an attempt that died in the middle of a block', async () => {
    const { server, app: running } = await start();
    const answer = server.post('/plain').send({ ...hello, model: 'claude-code' });
    const [{ text }] = await Promise.all([
      answer,
      running.harness.run('hello').then((run) => {
        run.text('Kept. ', 'a');
        run.say({ type: 'text-delta', id: 'b', text: 'Half a sen' });
        run.fail('process_died');
      }),
      running.harness.run('hello', 2).then((run) => run.answer('A sentence.')),
    ]);
    expect(text).toBe('Kept. A sentence.');
  });

  it('has the failure of a turn in its own form', async () => {
    const { server, app: running } = await start();
    running.harness.onRun = (run) => run.fail('bad_request', 'no such color');
    const { text } = await server
      .post('/plain')
      .send({ ...hello, model: 'claude-code' })
      .expect(502);
    expect(text).toBe('bad_request: no such color\n');
  });

  it('drives the same threads as the other doors', async () => {
    const { server } = await start();
    await server.post('/plain').send(hello).expect(200);
    const { text } = await server
      .post('/v1/messages')
      .set('x-chiron-thread-key', 'plain:one')
      .send(ask('and now?', { model: 'demo' }))
      .expect(200);
    expect(text).toContain('This is turn 2 of this thread.');
    expect((await server.post('/plain').send(hello)).text).toContain('This is turn 3 of this thread.');
    const { body } = await server.get('/api/session/plain:one').expect(200);
    expect(body).toMatchObject({ thread_key: 'plain:one' });
  });

  it('has refusals in its own form, beside those of the Messages API', async () => {
    const { server } = await start();
    const unknown = { ...hello, model: 'codex/x' };
    const { text } = await server.post('/plain').send(unknown).expect(404);
    expect(text).toMatch(/^not_found: model: codex\/x is not available here/);
    expect((await server.post('/plain').send('{').set('content-type', 'application/json').expect(400)).text).toBe(
      'bad_request: The request body is not valid JSON.\n',
    );
    expect((await server.get('/plain/msg_none').expect(404)).text).toMatch(/^not_found: No turn found/);
    const { body } = await server
      .post('/v1/messages')
      .send(ask('hi', { model: 'codex/x' }))
      .expect(404);
    expect(body).toMatchObject({ type: 'error', error: { type: 'not_found_error' } });
  });

  it('is closed to callers without a key, and a turn to other tenants', async () => {
    const { server } = await start({ apiKeys });
    expect((await server.post('/plain').send(hello).expect(401)).text).toBe('unauthenticated: invalid x-api-key\n');
    const { headers } = await server.post('/plain').set('x-api-key', KEY).send(hello).expect(200);
    const location = String(headers['content-location']);
    await server.get(location).set('x-api-key', KEY).expect(200);
    expect((await server.get(location).expect(401)).text).toMatch(/^unauthenticated: /);
    expect((await server.get(location).set('x-api-key', OTHER_KEY).expect(404)).text).toMatch(/^not_found: /);
    const { body } = await server.post('/v1/messages').send(ask('hi')).expect(401);
    expect(body).toMatchObject({ type: 'error', error: { type: 'authentication_error' } });
  });
});
