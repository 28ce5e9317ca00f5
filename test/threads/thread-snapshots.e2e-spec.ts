// Threads whose files are kept in a bucket, over HTTP: each server has a data folder of its own, and they share the store.
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import supertest from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { LOCAL_PRINCIPAL } from '../../src/auth/principal.js';
import { readPromptText } from '../../src/domain/prompt.js';
import { newStore, testedKinds, type TestStore } from '../../src/storage/__fixtures__/databases.js';
import { SnapshotStore } from '../../src/storage/stores/snapshot.store.js';
import { ThreadStore } from '../../src/storage/stores/thread.store.js';
import { TurnRunner } from '../../src/turns/running/turn.runner.js';
import { ask, converse, thread } from '../support/requests.js';
import { S3_BUCKET, S3_KEY_ID, type S3Server, startS3Server } from '../support/s3-server.js';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';
import { toSeedText } from '../support/seed-text.js';

// A loaded machine takes long to start a server.
const PATIENCE = { timeout: 90_000 };

describe.each(await testedKinds())('A thread in a bucket, with %s', PATIENCE, (kind) => {
  let store: TestStore;
  let s3: S3Server;
  let settings: TestSettings;
  let app: TestApp;
  const folders: string[] = [];

  beforeAll(async () => {
    s3 = await startS3Server();
    store = await newStore(kind);
    settings = {
      dataDirectory: store.options.dataDirectory,
      databaseUrl: store.options.databaseUrl,
      threadStore: 's3',
      s3Endpoint: s3.url,
      s3Bucket: S3_BUCKET,
      s3AccessKeyId: S3_KEY_ID,
      s3SecretAccessKey: 'secret',
    };
    app = await start();
  }, PATIENCE.timeout);

  afterEach(() => {
    s3.fault = () => undefined;
  });

  afterAll(async () => {
    await app.close({ keepData: true });
    await store.remove();
    await s3.close();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }, PATIENCE.timeout);

  async function start(more: TestSettings = {}): Promise<TestApp> {
    const started = await startTestApp({ ...settings, ...more });
    started.harness.onRun = (run) => run.answer(`answer to ${readPromptText(run.turn.prompt)}`);
    return started;
  }
  const post = (body: object, headers: Readonly<Record<string, string>>) =>
    supertest(app.url).post('/v1/messages').set(headers).send(body);
  /** Has the demo agent of a thread run a command; gives its answer. */
  const run = async (name: string, command: string): Promise<string> => {
    const response = await post(ask(`!${command}`, { model: 'demo' }), thread(name)).expect(200);
    return JSON.stringify(response.body);
  };
  const say = (name: string, text: string) => post(ask(text), thread(name)).expect(200);
  const threadId = async (name: string): Promise<string> => {
    const found = await app.app.get(ThreadStore).find(LOCAL_PRINCIPAL.tenant, `test:${name}`);
    return found?.id ?? '';
  };
  const snapshotOf = async (name: string) => (await app.app.get(SnapshotStore).current(await threadId(name)))?.snapshot;
  /** Waits until the thread's files are saved as of this turn. */
  const saved = async (name: string, turn: number, generation = 0): Promise<void> => {
    await expect.poll(() => snapshotOf(name), { timeout: 30_000 }).toMatch(new RegExp(`^${generation}-${turn}-`));
  };
  const threadsFolder = (): string => join(app.dataDirectory, 'threads');

  /** The next server has no folder of any thread. With SQLite, the rows are in the data folder. */
  async function moveToAnotherMachine(more: TestSettings = {}): Promise<void> {
    await app.close({ keepData: true });
    if (kind === 'sqlite')
      for (const name of ['threads', 'snapshots'])
        rmSync(join(app.dataDirectory, name), { recursive: true, force: true });
    else {
      const folder = mkdtempSync(join(tmpdir(), 'chiron-machine-'));
      folders.push(folder);
      settings = { ...settings, dataDirectory: folder };
    }
    app = await start(more);
  }

  it('goes on with its files on a machine that has none of them, as nothing had happened', async () => {
    await run('moved', 'mkdir -p sub && echo kept > sub/file && ln -s sub/file link && echo in the home > ~/note');
    await moveToAnotherMachine();
    expect(existsSync(threadsFolder()) ? readdirSync(threadsFolder()) : []).toEqual([]);
    expect(await run('moved', 'cat link ~/note; echo more >> sub/file')).toMatch(/kept[^]*in the home/);
    await moveToAnotherMachine();
    expect(await run('moved', 'cat sub/file')).toMatch(/kept[^]*more/);
  });

  it('is saved soon after each turn, and has nothing left in the bucket once it is removed', async () => {
    await run('saved', 'echo one > file');
    await saved('saved', 1);
    await run('saved', 'echo two > file');
    await saved('saved', 2);
    const id = await threadId('saved');
    const own = () => [...s3.objects.keys()].filter((key) => key.includes(id));
    expect(own().length).toBeGreaterThan(1);
    await supertest(app.url)
      .delete(`/api/session/${encodeURIComponent('test:saved')}`)
      .expect(200);
    expect(own()).toEqual([]);
  });

  it('is not fetched where it is already, also after the end of a server that could not save it', async () => {
    await run('here', 'echo one > file');
    await saved('here', 1);
    s3.fault = (method) => (method === 'PUT' ? 'error' : undefined);
    await run('here', 'echo two > file');
    await app.close({ keepData: true });
    s3.fault = () => undefined;
    app = await start();
    s3.requests.length = 0;
    expect(await run('here', 'cat file')).toContain('two');
    expect(s3.requests.filter((entry) => entry.startsWith('GET') && entry.endsWith('.pack'))).toEqual([]);
  });

  it('whose last turn was not saved goes on with what was saved, and its agent is told the rest', async () => {
    await say('unsaved', 'I am Ada');
    await saved('unsaved', 1);
    s3.fault = (method) => (method === 'PUT' ? 'error' : undefined);
    await say('unsaved', 'I live in Turin');
    await moveToAnotherMachine();
    s3.fault = () => undefined;
    const next = await say('unsaved', 'where do I live?');
    expect(next.headers['x-chiron-history']).toBe('continued');
    const [turn] = app.harness.runsOf('where do I live?');
    expect(toSeedText(turn?.turn.seed)).toBe(
      '<user>\nI live in Turin\n</user>\n<assistant>\nanswer to I live in Turin\n</assistant>',
    );
    await say('unsaved', 'and my name?');
    expect(app.harness.runsOf('and my name?')[0]?.turn.seed).toBeUndefined();
  });

  it('that another server has taken is not saved by this one any more', async () => {
    await run('taken', 'echo one > file');
    await saved('taken', 1);
    const before = await snapshotOf('taken');
    const id = await threadId('taken');
    const { kysely } = store.database;
    // Another server takes the thread while this one runs a turn of it.
    const running = run('taken', 'sleep 1; echo late > file');
    await expect.poll(() => app.app.get(TurnRunner).runningTurn(id), PATIENCE).toBeDefined();
    await kysely.updateTable('threads').set({ generation: 1 }).where('id', '=', id).execute();
    await running;
    await app.close({ keepData: true });
    app = await start();
    expect(await snapshotOf('taken')).toBe(before);
    await run('taken', 'echo right > file');
    await saved('taken', 3, 1);
  });

  it.skipIf(kind === 'sqlite')(
    'is fetched again by a server that was away while another one went on with it',
    async () => {
      await run('back', 'echo one > file');
      const first = settings;
      await moveToAnotherMachine();
      await run('back', 'echo two > file');
      await app.close({ keepData: true });
      settings = first;
      app = await start();
      expect(await run('back', 'cat file')).toContain('two');
    },
  );

  it('fails its turn when its files cannot be fetched, and goes on once they can', async () => {
    await run('missing', 'echo kept > file');
    await moveToAnotherMachine();
    const id = await threadId('missing');
    const manifests = [...s3.objects].filter(([key]) => key.includes(id) && key.endsWith('.manifest'));
    for (const [key] of manifests) s3.objects.delete(key);
    const refused = await post(ask('!cat file', { model: 'demo' }), thread('missing')).expect(500);
    expect(refused.body).toMatchObject({ error: { message: 'The agent could not be started.' } });
    for (const [key, object] of manifests) s3.objects.set(key, object);
    expect(await run('missing', 'cat file')).toContain('kept');
  });

  it('says in its answer, and to its agent, that a workspace above the limit did not come with it', async () => {
    await app.close({ keepData: true });
    const limits = { snapshotLimitBytes: 100_000 };
    app = await start(limits);
    await run('large', 'head -c 200000 /dev/urandom > large; echo small > ~/note');
    await moveToAnotherMachine(limits);
    const hello = await post(ask('hello', { model: 'demo' }), thread('large')).expect(200);
    const notice = '[This conversation goes on on another server.';
    const [first, second] = (hello.body as { content: readonly { text: string }[] }).content;
    expect(first?.text).toContain(notice);
    // The demo agent repeats what it is told.
    expect(second?.text).toMatch(/You said: \[This conversation goes on[^]*hello/);
    const next = await run('large', 'ls; cat ~/note');
    expect(next).toContain('small');
    expect(next).not.toContain(notice);
    expect(next).not.toContain('large');
  });

  it('that is forked leaves a branch with files of its own, which any server finds', async () => {
    await say('forked', 'one');
    await say('forked', 'two');
    await post(converse(['one', 'answer to one', 'another']), thread('forked')).expect(200);
    const all = await app.app.get(ThreadStore).list(LOCAL_PRINCIPAL.tenant, { limit: 50 });
    const branch = all.find(({ key }) => key.startsWith('test:forked') && key !== 'test:forked');
    await saved(branch?.key.replace('test:', '') ?? '', 2);
    expect([...s3.objects.keys()].some((key) => key.includes(branch?.id ?? '?'))).toBe(true);
  });
});

it('A server does not start with a bucket that it cannot use', async () => {
  const s3 = await startS3Server();
  const bucket = { threadStore: 's3', s3Endpoint: s3.url, s3AccessKeyId: S3_KEY_ID, s3SecretAccessKey: 'x' } as const;
  const starting = startTestApp({ ...bucket, s3Bucket: 'another' });
  await expect(starting).rejects.toThrow('CHIRON_S3_BUCKET: names a bucket that cannot be used');
  await s3.close();
});

it(
  'A thread in a shared folder is there for every server that has the folder, and in no data folder',
  PATIENCE,
  async () => {
    const [sharedDirectory, dataDirectory] = ['shared', 'data'].map((name) =>
      mkdtempSync(join(tmpdir(), `chiron-${name}-`)),
    );
    const settings: TestSettings = { threadStore: 'shared', sharedDirectory, dataDirectory: dataDirectory ?? '' };
    const run = async (command: string): Promise<string> => {
      const app = await startTestApp(settings);
      try {
        const body = ask(`!${command}`, { model: 'demo' });
        return JSON.stringify((await supertest(app.url).post('/v1/messages').set(thread('one')).send(body)).body);
      } finally {
        await app.close({ keepData: true });
      }
    };
    await run('echo shared > file');
    expect(existsSync(join(settings.dataDirectory ?? '', 'threads'))).toBe(false);
    expect(readdirSync(join(sharedDirectory ?? '', 'threads'))).toHaveLength(1);
    expect(await run('cat file')).toContain('shared');
    for (const folder of [sharedDirectory, dataDirectory]) rmSync(folder ?? '', { recursive: true, force: true });
  },
);
