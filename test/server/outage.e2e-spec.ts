import { sql } from 'kysely';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppConfig } from '../../src/config/app-config.js';
import { Database } from '../../src/storage/database/database.js';
import { StorageOptions } from '../../src/storage/storage-options.js';
import { eventually } from '../support/eventually.js';
import { converse, thread } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

describe('a store that cannot be written for a while', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp(
      { maxConcurrentTurns: 1 },
      {
        customize: (builder) =>
          builder.overrideProvider(StorageOptions).useFactory({
            inject: [AppConfig],
            factory: ({ dataDirectory, databaseUrl, eventFlushMs }: AppConfig): StorageOptions => ({
              dataDirectory,
              databaseUrl,
              flushMs: eventFlushMs,
              finishRetryMs: 300,
            }),
          }),
      },
    );
  });

  afterAll(() => app.close());

  const post = (prompt: string) =>
    supertest(app.url)
      .post('/v1/messages')
      .set(thread(prompt))
      .send(converse(['hello', 'Hi.', prompt]))
      .then((response) => response);

  /** Makes a statement on the store fail until the returned function is called. */
  async function refuse(event: string, condition = '1'): Promise<() => Promise<void>> {
    const { kysely } = app.app.get(Database);
    const trigger = `create trigger outage before ${event} when ${condition} begin select raise(abort, 'outage'); end`;
    await sql.raw(trigger).execute(kysely);
    return async () => {
      await sql.raw('drop trigger outage').execute(kysely);
    };
  }

  const readiness = async () => (await supertest(app.url).get('/readyz')).status;

  it('when a turn begins delays the turn, and does not lose it', async () => {
    const first = post('before the outage');
    const run = await app.harness.run('before the outage');
    const second = post('queued behind');
    await eventually(() => app.count('turns')).toBe(2);
    const recover = await refuse('update on turns', "new.state = 'running' and old.state = 'queued'");
    run.answer('done');
    expect((await first).status).toBe(200);
    await recover();
    (await app.harness.run('queued behind')).answer('late, but here');
    expect((await second).body.content[0].text).toBe('late, but here');
  });

  it('when a turn ends resumes the turn, and does not block its thread', async () => {
    const caller = post('ends in the outage');
    const run = await app.harness.run('ends in the outage');
    const recover = await refuse('insert on turn_events');
    run.text('half');
    run.answer('unheard');
    expect((await caller).status).toBe(500);
    await recover();
    const retried = post('ends in the outage');
    const second = await app.harness.run('ends in the outage', 2);
    expect(second.turn).toMatchObject({ id: run.turn.id, attempt: 2 });
    second.answer('heard');
    expect((await retried).status).toBe(200);
    await eventually(readiness).toBe(200);
  });
});
