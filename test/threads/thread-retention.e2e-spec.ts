import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import supertest from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { newStore, testedKinds, type TestStore } from '../../src/storage/__fixtures__/databases.js';
import { ThreadRetention } from '../../src/turns/cleanup/thread-retention.js';
import { ask, thread } from '../support/requests.js';
import { SseClient } from '../support/sse-client.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const DAY_MS = 86_400_000;

describe.each(await testedKinds())('a thread on %s that has not been used for the retention period', (kind) => {
  let app: TestApp;
  let store: TestStore;

  afterEach(async () => {
    await app.close({ keepData: true });
    await store.remove();
  });

  const start = async (threadRetentionMs: number): Promise<void> => {
    store = await newStore(kind);
    const { dataDirectory, databaseUrl } = store.options;
    app = await startTestApp({ dataDirectory, databaseUrl, threadRetentionMs });
  };
  const say = (prompt: string, name: string): SseClient =>
    SseClient.post(app.url, ask(prompt, { stream: true }), thread(name));
  const answered = async (prompt: string, name: string): Promise<void> => {
    const caller = say(prompt, name);
    (await app.harness.run(prompt)).answer('fine');
    await caller.done();
  };
  const folders = (): number => readdirSync(join(app.dataDirectory, 'threads')).length;
  const sweepAt = (ms: number): Promise<void> => app.app.get(ThreadRetention).remove(Date.now() + ms);

  it('is removed with its folders and turns, and not before', async () => {
    await start(7 * DAY_MS);
    await answered('an old prompt', 'old');
    await sweepAt(7 * DAY_MS - 60_000);
    expect([await app.count('threads'), folders()]).toEqual([1, 1]);
    await sweepAt(7 * DAY_MS + 60_000);
    expect([await app.count('threads'), await app.count('turns'), folders()]).toEqual([0, 0, 0]);
  });

  it('says in the session API when that will be', async () => {
    await start(7 * DAY_MS);
    await answered('a prompt', 'mine');
    const { body } = await supertest(app.server).get('/api/sessions').expect(200);
    const [session] = (body as { sessions: readonly { updated_at: string; expires_at: string }[] }).sessions;
    expect(Date.parse(session?.expires_at ?? '') - Date.parse(session?.updated_at ?? '')).toBe(7 * DAY_MS);
  });

  it('is kept while it has a turn', async () => {
    await start(DAY_MS);
    const caller = say('a long prompt', 'long');
    const run = await app.harness.run('a long prompt');
    await answered('another prompt', 'short');
    await sweepAt(9 * DAY_MS);
    expect(await app.count('threads')).toBe(1);
    run.answer('done');
    expect((await caller.done()).said).toBe('done');
  });

  it('is kept for ever without such a period', async () => {
    await start(0);
    await answered('a prompt', 'kept');
    await sweepAt(1000 * DAY_MS);
    expect(await app.count('threads')).toBe(1);
    expect(existsSync(join(app.dataDirectory, 'threads'))).toBe(true);
  });
});
