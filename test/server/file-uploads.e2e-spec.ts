import { request as httpRequest } from 'node:http';
import supertest from 'supertest';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TestApp } from '../support/test-app.js';
import { ANTHROPIC, getFrom, onDisk, OPENAI, OTHER, type Page, rows, startWithKeys } from './support/files.js';

let app: TestApp;

describe('POST /v1/files', () => {
  beforeAll(async () => {
    app = await startWithKeys();
  });

  afterAll(() => app.close());

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
});

describe('the limits of files', () => {
  beforeEach(async () => {
    app = await startWithKeys({ fileLimitBytes: 100_000, tenantFilesBytes: 250_000 });
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
    const [first] = ((await getFrom(app, '/v1/files')).body as Page).data;
    await supertest(app.url)
      .delete(`/v1/files/${String(first?.id)}`)
      .set(OPENAI)
      .expect(200);
    await send(100_000).expect(200);
  });
});
