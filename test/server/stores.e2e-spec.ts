import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newStore, testedKinds, type TestStore } from '../../src/storage/__fixtures__/databases.js';
import { converse, thread } from '../support/requests.js';
import { textBlock } from '../support/scripted-harness.js';
import { SseClient } from '../support/sse-client.js';
import { checkGrammar } from '../support/stream-grammar.js';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';

describe.each(await testedKinds())('a server on %s', (kind) => {
  let store: TestStore;
  let settings: TestSettings;
  let app: TestApp;

  beforeAll(async () => {
    store = await newStore(kind);
    settings = { dataDirectory: store.options.dataDirectory, databaseUrl: store.options.databaseUrl };
    app = await startTestApp(settings);
  });

  afterAll(async () => {
    await app.close({ keepData: true });
    await store.remove();
  });

  const post = (prompt: string, name: string) =>
    supertest(app.url)
      .post('/v1/messages')
      .set(thread(name))
      .send(converse(['hello', 'Hi.', prompt]));

  it('answers, and answers the same request from what is stored', async () => {
    const first = post('stored', 'answers').then((response) => response);
    (await app.harness.run('stored')).answer('kept');
    const again = await post('stored', 'answers');
    expect(again.status).toBe(200);
    expect(again.body).toEqual((await first).body);
    expect(app.harness.runsOf('stored')).toHaveLength(1);
  });

  it('resumes a turn of the previous server, for the caller that retries', async () => {
    const before = SseClient.post(app.url, converse(['hello', 'Hi.', 'long'], { stream: true }), thread('resumed'));
    const run = await app.harness.run('long');
    run.say(...textBlock('first ', 'one'));
    run.say({ type: 'text-delta', id: 'half', text: 'half a' });
    await before.sees('half a');
    await app.close({ keepData: true });
    app = await startTestApp(settings);
    const second = await app.harness.run('long');
    expect(second.turn.attempt).toBe(2);
    const after = SseClient.post(app.url, converse(['hello', 'Hi.', 'long'], { stream: true }), thread('resumed'));
    second.answer('second');
    await after.done();
    expect(after.said).toBe('first second');
    expect(checkGrammar(after.events)).toEqual([]);
  });

  it('shows the turns over the session API', async () => {
    const { body } = await supertest(app.url).get('/api/sessions').expect(200);
    expect(JSON.stringify(body)).toContain('test:resumed');
  });
});
