import { Logger } from '@nestjs/common';
import supertest from 'supertest';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { newStore, testedKinds, type TestStore } from '../../src/storage/__fixtures__/databases.js';
import { eventually } from '../support/eventually.js';
import { ask, thread } from '../support/requests.js';
import { SessionReader } from '../support/session-events.js';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';

// The state after a rollback to a version without the harness of some threads.
describe.each(await testedKinds())('a thread whose harness this version does not have, on %s', (kind) => {
  let store: TestStore;
  let settings: TestSettings;
  let app: TestApp;

  beforeEach(async () => {
    store = await newStore(kind);
    settings = { dataDirectory: store.options.dataDirectory, databaseUrl: store.options.databaseUrl };
    await start();
  });

  afterEach(async () => {
    vi.restoreAllMocks();
    await app.close({ keepData: true });
    await store.remove();
  });

  async function start(): Promise<void> {
    app = await startTestApp(settings);
  }

  /** Restarts the server on threads that another version has changed. */
  async function restartAfterEmacs(): Promise<void> {
    await app.close({ keepData: true });
    await store.database.kysely.updateTable('threads').set({ harness: 'emacs' }).execute();
    await start();
  }

  const post = (prompt: string) => supertest(app.url).post('/v1/messages').set(thread('old')).send(ask(prompt));
  const session = (path = '') => `/api/session/test:old${path}`;

  it('is listed by its harness name, rejects turns with a 404, and can be moved to another harness', async () => {
    app.harness.onRun = (run) => run.answer('done');
    await post('one').expect(200);
    await restartAfterEmacs();
    app.harness.onRun = (run) => run.answer('done');

    const { body: page } = await supertest(app.url).get('/api/sessions').expect(200);
    expect(page).toMatchObject({ sessions: [{ thread_key: 'test:old', harness_type: 'emacs', status: 'idle' }] });
    const { body: row } = await supertest(app.url).get(session()).expect(200);
    expect(row).toMatchObject({ harness_type: 'emacs', turn_count: 1, turns: [{ status: 'completed' }] });
    const { text } = await SessionReader.open(`${app.url}${session('/events')}`).sees('execution_completed');
    expect(text).toContain('"harness_type":"emacs"');

    const refused = await post('two').expect(404);
    const message = expect.stringMatching(/emacs.* is not available here/);
    expect(refused.body).toMatchObject({ error: { type: 'not_found_error', message } });
    const executed = supertest(app.url)
      .post(session('/execute'))
      .send({ input_lines: ['two'] });
    await executed.expect(422, /not available on this server: emacs/);
    const conflict = await supertest(app.url).post(session()).send({ harness_type: 'demo' }).expect(409);
    expect(conflict.body).toMatchObject({ existing_harness: 'emacs' });

    const restart = { harness_type: 'claudecode', on_harness_conflict: 'restart' };
    await supertest(app.url).post(session()).send(restart).expect(200);
    await post('three').expect(200);
  });

  it('has its unfinished turns failed at the next start, which logs each once', async () => {
    void post('running').then(() => undefined);
    await app.harness.run('running');
    void post('queued').then(() => undefined);
    await eventually(() => app.count('turns')).toBe(2);
    const warn = vi.spyOn(Logger.prototype, 'warn');
    await restartAfterEmacs();

    const read = async () => (await supertest(app.url).get(session()).expect(200)).body as Record<string, unknown>;
    await expect.poll(read, { timeout: 10_000 }).toMatchObject({ status: 'failed', turn_count: 2 });
    const error = 'The harness emacs is not available on this server.';
    expect(await read()).toMatchObject({
      harness_type: 'emacs',
      turns: [
        { status: 'failed', error },
        { status: 'failed', error },
      ],
    });
    expect(app.harness.runs).toEqual([]);
    const logged = warn.mock.calls.filter(([, text]) => String(text).includes('its harness is not available'));
    expect(logged.map(([fields]) => fields)).toMatchObject([{ harness: 'emacs' }, { harness: 'emacs' }]);
  });
});
