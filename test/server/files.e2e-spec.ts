import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import supertest from 'supertest';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FileCleanup } from '../../src/filestore/file-cleanup.js';
import { Database } from '../../src/storage/database/database.js';
import { FileStore } from '../../src/storage/stores/file.store.js';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';

const KEYS = { one: 'key-one-is-long-enough-for-chiron', two: 'key-two-is-long-enough-for-chiron' };
const apiKeys = Object.entries(KEYS).map(([name, key]) => ({
  name,
  sha256: createHash('sha256').update(key).digest(),
}));
const ANTHROPIC = { 'x-api-key': KEYS.one, 'anthropic-version': '2023-06-01' };
const OPENAI = { authorization: `Bearer ${KEYS.one}` };
const OTHER = { authorization: `Bearer ${KEYS.two}` };

let app: TestApp;

const start = (settings: TestSettings = {}): Promise<TestApp> => startTestApp({ apiKeys, ...settings });
const bytesFolder = (at: TestApp): string => join(at.dataDirectory, 'files');
/** What is on the disk of all files. */
const onDisk = (at: TestApp): readonly string[] => (existsSync(bytesFolder(at)) ? readdirSync(bytesFolder(at)) : []);
const rows = async (at: TestApp): Promise<readonly string[]> =>
  (await at.app.get(Database).kysely.selectFrom('files').select(['id', 'state']).execute()).map(
    ({ id, state }) => `${id} ${state}`,
  );

interface AnyFile {
  readonly id: string;
}

interface Page {
  readonly data: readonly AnyFile[];
  readonly has_more: boolean;
  readonly next_page?: string | null;
  readonly first_id: string;
  readonly last_id: string;
}

async function upload(
  content: Buffer | string,
  name = 'notes.txt',
  headers: Readonly<Record<string, string>> = OPENAI,
  at = app,
): Promise<string> {
  const request = supertest(at.url).post('/v1/files').set(headers).attach('file', Buffer.from(content), name);
  const { body } = await request.expect(200);
  return (body as AnyFile).id;
}

const get = (path: string, headers: Readonly<Record<string, string>> = OPENAI) =>
  supertest(app.url).get(path).set(headers);

describe('the Files API', () => {
  beforeAll(async () => {
    app = await start();
  });

  afterAll(() => app.close());

  it('has the form of the API whose client asks', async () => {
    const form = () => supertest(app.url).post('/v1/files').attach('file', Buffer.from('hello'), 'a.txt');
    const { body: anthropic } = await form().set(ANTHROPIC).expect(200);
    expect(anthropic).toEqual({
      type: 'file',
      id: expect.stringMatching(/^file_[0-9a-f]{32}$/) as string,
      filename: 'a.txt',
      mime_type: 'text/plain',
      size_bytes: 5,
      created_at: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      expires_at: null,
      downloadable: true,
    });
    const { body: openai } = await form()
      .set(OPENAI)
      .field('purpose', 'vision')
      .field('expires_after[anchor]', 'created_at')
      .field('expires_after[seconds]', '3600')
      .expect(200);
    const { created_at: created, expires_at: expires } = openai as { created_at: number; expires_at: number };
    expect(openai).toMatchObject({
      object: 'file',
      bytes: 5,
      filename: 'a.txt',
      purpose: 'vision',
      status: 'processed',
    });
    expect(expires - created).toBe(3600);
    const { id } = anthropic as AnyFile;
    expect((await get(`/v1/files/${id}`, ANTHROPIC).expect(200)).body).toEqual(anthropic);
    expect((await get(`/v1/files/${id}`).expect(200)).body).toMatchObject({ id, object: 'file', purpose: 'user_data' });
    const removed = await supertest(app.url).delete(`/v1/files/${id}`).set(ANTHROPIC).expect(200);
    expect(removed.body).toEqual({ id, type: 'file_deleted' });
    const other = (openai as AnyFile).id;
    const gone = await supertest(app.url).delete(`/v1/files/${other}`).set(OPENAI).expect(200);
    expect(gone.body).toEqual({ id: other, object: 'file', deleted: true });
    expect(await rows(app)).toEqual([]);
    expect(onDisk(app)).toEqual([]);
  });

  it('gives back the bytes of a file, as a download that a browser does not run', async () => {
    const content = randomBytes(3_000_000);
    const id = await upload(content, 'pages "1" – 日本.html');
    const response = await fetch(`${app.url}/v1/files/${id}/content`, { headers: OPENAI });
    expect(Buffer.compare(Buffer.from(await response.arrayBuffer()), content)).toBe(0);
    const headers = Object.fromEntries(response.headers);
    expect(headers).toMatchObject({
      'content-type': 'text/html',
      'content-length': '3000000',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'",
    });
    expect(headers['content-disposition']).toMatch(/^attachment; .*filename\*=UTF-8''.*%E6%97%A5/);
    const head = await supertest(app.url).head(`/v1/files/${id}/content`).set(OPENAI).expect(200);
    expect(head.headers['content-length']).toBe('3000000');
  });

  it('opens nothing for a HEAD', async () => {
    const id = await upload(randomBytes(1_000_000), 'big.bin');
    const opened = () =>
      readdirSync('/proc/self/fd').filter((fd) => {
        const link = join('/proc/self/fd', fd);
        return existsSync(link) && readlinkSync(link).endsWith(id);
      }).length;
    const head = () => supertest(app.url).head(`/v1/files/${id}/content`).set(OPENAI).expect(200);
    for (let round = 0; round < 20; round += 1) await head();
    expect(opened()).toBe(0);
  });

  it('keeps an empty file, and a type that only the name tells', async () => {
    const id = await upload('', 'empty.csv');
    expect((await get(`/v1/files/${id}`, ANTHROPIC)).body).toMatchObject({ size_bytes: 0, mime_type: 'text/csv' });
    expect((await get(`/v1/files/${id}/content`).expect(200)).text).toBe('');
  });

  it.each([
    ['../../../etc/passwd', 'passwd'],
    ['..', 'unnamed.png'],
  ])('gives a file that is called %s a safe name', async (given, name) => {
    const { body } = await supertest(app.url)
      .post('/v1/files')
      .set(ANTHROPIC)
      .attach('file', Buffer.from('x'), { filename: given, contentType: 'image/png' })
      .expect(200);
    expect(body).toMatchObject({ filename: name });
  });

  it('is a 404 for the file of another tenant, as for one that never was', async () => {
    const id = await upload('mine');
    const never = `file_${'0'.repeat(32)}`;
    for (const path of ['', '/content']) {
      const [foreign, missing] = await Promise.all(
        [id, never].map((each) => get(`/v1/files/${each}${path}`, OTHER).expect(404)),
      );
      expect(foreign?.text.replace(/req_\w+/, '').replace(id, '')).toBe(
        missing?.text.replace(/req_\w+/, '').replace(never, ''),
      );
    }
    await supertest(app.url).delete(`/v1/files/${id}`).set(OTHER).expect(404);
    const listed = (await get('/v1/files', OTHER).expect(200)).body as Page;
    expect(listed.data).toEqual([]);
    await get(`/v1/files/${id}`).expect(200);
  });

  it.each(['file_1', 'a%2Fb', '..%2f..%2fchiron.sqlite', '%00', `file_${'0'.repeat(31)}g`])(
    'is a 404 for the id %s',
    async (id) => {
      const { body } = await get(`/v1/files/${id}/content`, ANTHROPIC).expect(404);
      expect(body).toMatchObject({ type: 'error', error: { type: 'not_found_error' } });
    },
  );

  it('refuses in the form of the API whose client asks', async () => {
    const file = `/v1/files/file_${'0'.repeat(32)}`;
    const wrongKey = { authorization: 'Bearer nobody-has-this-key-of-chiron' };
    const refusals: readonly [supertest.Test, status: number, param: string | null, code: string | null][] = [
      [get(file), 404, null, 'not_found'],
      [get(`${file}/content`), 404, null, 'not_found'],
      [supertest(app.url).delete(file).set(OPENAI), 404, null, 'not_found'],
      [get('/v1/files?limit=x'), 400, 'limit', null],
      [supertest(app.url).post('/v1/files').set(OPENAI).field('purpose', 'vision'), 400, 'file', null],
      [get(file, wrongKey), 401, null, 'invalid_api_key'],
      [supertest(app.url).patch(file).set(OPENAI), 405, null, null],
    ];
    for (const [request, status, param, code] of refusals) {
      const { body, headers } = await request.expect(status);
      const error = { message: expect.stringMatching(/\w/) as string, type: 'invalid_request_error', param, code };
      expect([request.url, body]).toEqual([request.url, { error }]);
      expect(headers['x-request-id']).toMatch(/^req_/);
    }
    for (const request of [
      get(file, ANTHROPIC),
      get('/v1/files?limit=x', ANTHROPIC),
      get(file, { 'anthropic-version': '2023-06-01', ...wrongKey }),
      supertest(app.url).patch(file).set(ANTHROPIC),
    ]) {
      const { body } = await request;
      const error = {
        type: expect.stringMatching(/_error$/) as string,
        message: expect.stringMatching(/\w/) as string,
      };
      expect(body).toEqual({ type: 'error', error, request_id: expect.stringMatching(/^req_/) as string });
    }
  });

  it.each<[string, (form: supertest.Test) => unknown, number, RegExp]>([
    ['no file', (form) => form.field('purpose', 'vision'), 400, /file: Field required/],
    [
      'two files',
      (form) => form.attach('file', Buffer.from('a'), 'a').attach('file', Buffer.from('b'), 'b'),
      400,
      /once/,
    ],
    ['its file in another field', (form) => form.attach('image', Buffer.from('a'), 'a'), 400, /field "file"/],
    ['a strange purpose', (form) => form.attach('file', Buffer.from('a'), 'a').field('purpose', 'a b'), 400, /purpose/],
    [
      'a life of a second',
      (form) => form.attach('file', Buffer.from('a'), 'a').field('expires_in_seconds', '1'),
      400,
      /expires_in_seconds: must be an integer/,
    ],
    ['no form', (form) => form.set('content-type', 'application/json').send('{}'), 415, /multipart/],
    [
      'a form without a boundary',
      (form) => form.set('content-type', 'multipart/form-data; x=y').send('a'),
      400,
      /valid form/,
    ],
    [
      'a form that is cut',
      (form) => form.set('content-type', 'multipart/form-data; boundary=b').send('--b\r\n'),
      400,
      /valid form/,
    ],
  ])('refuses %s, and keeps nothing of it', async (_, fill, status, problem) => {
    const before = [await rows(app), onDisk(app)];
    const form = supertest(app.url).post('/v1/files').set(ANTHROPIC);
    void fill(form);
    const { body, status: answered } = await form;
    expect([answered, (body as { error: { message: string } }).error.message]).toEqual([
      status,
      expect.stringMatching(problem),
    ]);
    await expect.poll(async () => [await rows(app), onDisk(app)]).toEqual(before);
  });

  it('keeps nothing of an upload whose caller leaves', async () => {
    const before = [await rows(app), onDisk(app)];
    const { port } = new URL(app.url);
    const request = httpRequest({
      port,
      host: '127.0.0.1',
      method: 'POST',
      path: '/v1/files',
      headers: { ...OPENAI, 'content-type': 'multipart/form-data; boundary=b', 'content-length': 10_000_000 },
    });
    request.on('error', () => undefined);
    request.write('--b\r\ncontent-disposition: form-data; name="file"; filename="a.bin"\r\n\r\n');
    request.write(Buffer.alloc(200_000));
    await expect.poll(() => rows(app)).toHaveLength((before[0] ?? []).length + 1);
    request.destroy();
    await expect.poll(async () => [await rows(app), onDisk(app)]).toEqual(before);
  });

  it('is not for web pages where there are no keys, and for programs', async () => {
    const open = await startTestApp();
    try {
      const form = () => supertest(open.url).post('/v1/files').attach('file', Buffer.from('x'), 'x.txt');
      await form().set('origin', 'https://evil.example').expect(403);
      await form().set('sec-fetch-site', 'cross-site').expect(403);
      await form().expect(200);
    } finally {
      await open.close();
    }
  });
});

describe('the list of files', () => {
  const ids: string[] = [];

  beforeAll(async () => {
    app = await start();
    for (let number = 0; number < 5; number += 1) ids.unshift(await upload(String(number), `${number}.txt`));
  });

  afterAll(() => app.close());

  const page = async (query: string, headers: Readonly<Record<string, string>>): Promise<Page> =>
    (await get(`/v1/files?${query}`, headers).expect(200)).body as Page;
  const idsOf = ({ data }: Page): readonly string[] => data.map(({ id }) => id);

  it('is paged by ids, and by the cursor of newer clients', async () => {
    const first = await page('limit=2', ANTHROPIC);
    expect([idsOf(first), first.has_more]).toEqual([ids.slice(0, 2), true]);
    expect([first.first_id, first.last_id, first.next_page]).toEqual([ids[0], ids[1], ids[1]]);
    const second = await page(`limit=2&after_id=${first.last_id}`, ANTHROPIC);
    expect(idsOf(second)).toEqual(ids.slice(2, 4));
    expect(idsOf(await page(`limit=2&page=${String(second.next_page)}`, ANTHROPIC))).toEqual(ids.slice(4));
    const before = await page(`limit=2&before_id=${String(ids[3])}`, ANTHROPIC);
    expect([idsOf(before), before.has_more]).toEqual([ids.slice(1, 3), true]);
    const some = new URLSearchParams(
      [ids[4] ?? '', `file_${'0'.repeat(32)}`, 'x'].map((id): [string, string] => ['ids[]', id]),
    );
    expect(idsOf(await page(some.toString(), ANTHROPIC))).toEqual([ids[4]]);
  });

  it('is paged in the form of OpenAI’s API', async () => {
    const first = await page('limit=2', OPENAI);
    expect([first, idsOf(first), first.has_more]).toMatchObject([{ object: 'list' }, ids.slice(0, 2), true]);
    expect(idsOf(await page(`limit=10&after=${String(ids[1])}`, OPENAI))).toEqual(ids.slice(2));
    expect(idsOf(await page('order=asc', OPENAI))).toEqual(ids.toReversed());
    expect(idsOf(await page('purpose=vision', OPENAI))).toEqual([]);
  });

  it.each(['limit=0', 'limit=x', 'after_id=x', `after_id=file_${'0'.repeat(32)}&before_id=file_${'0'.repeat(32)}`])(
    'refuses %s',
    async (query) => {
      const { body } = await get(`/v1/files?${query}`, ANTHROPIC).expect(400);
      expect(body).toMatchObject({ error: { type: 'invalid_request_error' } });
    },
  );
});

describe('the limits of files', () => {
  beforeEach(async () => {
    app = await start({ fileLimitBytes: 100_000, tenantFilesBytes: 250_000 });
  });

  afterEach(() => app.close());

  const send = (size: number, headers: Readonly<Record<string, string>> = ANTHROPIC) =>
    supertest(app.url).post('/v1/files').set(headers).attach('file', Buffer.alloc(size), 'zeros');

  it('are that of one file, by its bytes and by what its request says', async () => {
    await send(100_000).expect(200);
    const { body } = await send(100_001).expect(413);
    expect(body).toMatchObject({
      error: { type: 'request_too_large', message: 'File too large: the limit is 0.1 MB.' },
    });
    await send(5_000_000).expect(413);
    const toOpenAi = await send(100_001, OPENAI).expect(413);
    expect(toOpenAi.body).toMatchObject({ error: { type: 'invalid_request_error', code: 'request_too_large' } });
    expect([(await rows(app)).length, onDisk(app).length]).toEqual([1, 1]);
  });

  it('are that of all files of a tenant, also of those that come at once', async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => send(100_000)));
    expect(answers.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(2);
    const refused = answers.find(({ status }) => status !== 200);
    expect(refused?.body).toMatchObject({
      error: { type: 'permission_error', details: { error_code: 'storage_limit_exceeded' } },
    });
    expect([(await rows(app)).length, onDisk(app).length]).toEqual([2, 2]);
    // Another tenant has its own, and what is deleted makes room.
    await supertest(app.url).post('/v1/files').set(OTHER).attach('file', Buffer.alloc(9), 'x').expect(200);
    const [first] = ((await get('/v1/files')).body as Page).data;
    await supertest(app.url)
      .delete(`/v1/files/${String(first?.id)}`)
      .set(OPENAI)
      .expect(200);
    await send(100_000).expect(200);
  });
});

describe('files', () => {
  it('are there after a restart, and what a crash has left is not', async () => {
    app = await start();
    const id = await upload('durable');
    const files = app.app.get(FileStore);
    // As a server leaves it that dies in the middle of an upload, and of a removal.
    const half = await files.begin({ tenant: 'one', name: 'half', mediaType: 'text/plain', place: 'folder' });
    writeFileSync(join(bytesFolder(app), `${half}.part`), 'hal');
    const deleted = await upload('deleted');
    await files.delete('one', deleted);
    expect(onDisk(app)).toHaveLength(3);
    await app.close({ keepData: true });
    const { dataDirectory } = app;
    app = await start({ dataDirectory });
    try {
      expect((await get(`/v1/files/${id}/content`).expect(200)).text).toBe('durable');
      expect(onDisk(app)).toEqual([id]);
      expect(await rows(app)).toEqual([`${id} stored`]);
    } finally {
      await app.close();
    }
  });

  it('are removed when they expire', async () => {
    app = await start({ fileRetentionMs: 1 });
    try {
      const id = await upload('short');
      await expect.poll(async () => (await get(`/v1/files/${id}`)).status).toBe(404);
      await app.app.get(FileCleanup).run();
      expect([await rows(app), onDisk(app)]).toEqual([[], []]);
    } finally {
      await app.close();
    }
  });

  it('are removed also behind many that cannot be', async () => {
    app = await start({ fileRetentionMs: 1 });
    try {
      const stuck = Array.from({ length: 100 }, (_, at) => ({
        id: `file_${at.toString(16).padStart(32, '0')}`,
        tenant: 'one',
        name: 'stuck',
        media_type: 'text/plain',
        size: 1,
        // This server has no bucket.
        place: 'bucket' as const,
        state: 'deleted' as const,
        created_at: 1,
      }));
      await app.app.get(Database).kysely.insertInto('files').values(stuck).execute();
      const id = await upload('short');
      await expect.poll(async () => (await get(`/v1/files/${id}`)).status).toBe(404);
      await app.app.get(FileCleanup).run();
      expect([(await rows(app)).length, onDisk(app)]).toEqual([100, []]);
    } finally {
      await app.close();
    }
  });

  it('that are gone from the disk are a 404, and can be deleted', async () => {
    app = await start();
    try {
      const id = await upload('gone');
      rmSync(join(bytesFolder(app), id));
      await get(`/v1/files/${id}/content`).expect(404);
      await supertest(app.url).delete(`/v1/files/${id}`).set(OPENAI).expect(200);
    } finally {
      await app.close();
    }
  });
});
