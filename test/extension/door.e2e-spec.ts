import { createHash } from 'node:crypto';
import supertest from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
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

const hello = { thread: 'one', model: 'demo', text: 'hello' };

describe('a door that is added as a module', () => {
  it('runs a turn and reads it as text', async () => {
    const { server } = await start();
    const { text } = await server.post('/plain').send(hello).expect(200);
    expect(text).toContain('You said: hello');
  });

  it('attaches the same request to its turn, and continues the thread with another', async () => {
    const { server, app: running } = await start();
    const slow = { ...hello, text: '!sleep 0.5; echo slow' };
    const [first, second] = await Promise.all([server.post('/plain').send(slow), server.post('/plain').send(slow)]);
    expect(second.text).toBe(first.text);
    expect(await running.count('turns')).toBe(1);
    expect((await server.post('/plain').send(hello)).text).toContain('This is turn 2 of this thread.');
  });

  it('drives the same threads as the Messages API', async () => {
    const { server } = await start();
    await server.post('/plain').send(hello).expect(200);
    const { text } = await server
      .post('/v1/messages')
      .set('x-chiron-thread-key', 'plain:one')
      .send(ask('and now?', { model: 'demo' }))
      .expect(200);
    expect(text).toContain('This is turn 2 of this thread.');
  });

  it('has refusals in its own form, beside those of the Messages API', async () => {
    const { server } = await start({ unknownModels: 'refuse' });
    const unknown = { ...hello, model: 'codex/x' };
    const { text } = await server.post('/plain').send(unknown).expect(404);
    expect(text).toMatch(/^not_found: model: codex\/x is not available here/);
    expect((await server.post('/plain').send('{').set('content-type', 'application/json').expect(400)).text).toBe(
      'bad_request: The request body is not valid JSON.\n',
    );
    const { body } = await server
      .post('/v1/messages')
      .send(ask('hi', { model: 'codex/x' }))
      .expect(404);
    expect(body).toMatchObject({ type: 'error', error: { type: 'not_found_error' } });
  });

  it('is closed to callers without a key', async () => {
    const sha256 = createHash('sha256').update('a key of a deployment').digest();
    const { server } = await start({ apiKeys: [{ name: 'alice', sha256 }] });
    expect((await server.post('/plain').send(hello).expect(401)).text).toMatch(/^unauthenticated: /);
    await server.post('/plain').set('x-api-key', 'a key of a deployment').send(hello).expect(200);
  });
});
