import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../support/test-app.js';
import {
  ANTHROPIC,
  type AnyFile,
  getFrom,
  onDisk,
  OPENAI,
  OTHER,
  type Page,
  rows,
  startWithKeys,
  uploadTo,
} from './support/files.js';

let app: TestApp;

describe('the Files API', () => {
  beforeAll(async () => {
    app = await startWithKeys();
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
    expect((await getFrom(app, `/v1/files/${id}`, ANTHROPIC).expect(200)).body).toEqual(anthropic);
    expect((await getFrom(app, `/v1/files/${id}`).expect(200)).body).toMatchObject({
      id,
      object: 'file',
      purpose: 'user_data',
    });
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
    const id = await uploadTo(app, content, 'pages "1" – 日本.html');
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
    const id = await uploadTo(app, randomBytes(1_000_000), 'big.bin');
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
    const id = await uploadTo(app, '', 'empty.csv');
    expect((await getFrom(app, `/v1/files/${id}`, ANTHROPIC)).body).toMatchObject({
      size_bytes: 0,
      mime_type: 'text/csv',
    });
    expect((await getFrom(app, `/v1/files/${id}/content`).expect(200)).text).toBe('');
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
    const id = await uploadTo(app, 'mine');
    const never = `file_${'0'.repeat(32)}`;
    for (const path of ['', '/content']) {
      const [foreign, missing] = await Promise.all(
        [id, never].map((each) => getFrom(app, `/v1/files/${each}${path}`, OTHER).expect(404)),
      );
      expect(foreign?.text.replace(/req_\w+/, '').replace(id, '')).toBe(
        missing?.text.replace(/req_\w+/, '').replace(never, ''),
      );
    }
    await supertest(app.url).delete(`/v1/files/${id}`).set(OTHER).expect(404);
    const listed = (await getFrom(app, '/v1/files', OTHER).expect(200)).body as Page;
    expect(listed.data).toEqual([]);
    await getFrom(app, `/v1/files/${id}`).expect(200);
  });

  it.each(['file_1', 'a%2Fb', '..%2f..%2fchiron.sqlite', '%00', `file_${'0'.repeat(31)}g`])(
    'is a 404 for the id %s',
    async (id) => {
      const { body } = await getFrom(app, `/v1/files/${id}/content`, ANTHROPIC).expect(404);
      expect(body).toMatchObject({ type: 'error', error: { type: 'not_found_error' } });
    },
  );

  it('refuses in the form of the API whose client asks', async () => {
    const file = `/v1/files/file_${'0'.repeat(32)}`;
    const wrongKey = { authorization: 'Bearer nobody-has-this-key-of-chiron' };
    const refusals: readonly [supertest.Test, status: number, param: string | null, code: string | null][] = [
      [getFrom(app, file), 404, null, 'not_found'],
      [getFrom(app, `${file}/content`), 404, null, 'not_found'],
      [supertest(app.url).delete(file).set(OPENAI), 404, null, 'not_found'],
      [getFrom(app, '/v1/files?limit=x'), 400, 'limit', null],
      [supertest(app.url).post('/v1/files').set(OPENAI).field('purpose', 'vision'), 400, 'file', null],
      [getFrom(app, file, wrongKey), 401, null, 'invalid_api_key'],
      [supertest(app.url).patch(file).set(OPENAI), 405, null, null],
    ];
    for (const [request, status, param, code] of refusals) {
      const { body, headers } = await request.expect(status);
      const error = { message: expect.stringMatching(/\w/) as string, type: 'invalid_request_error', param, code };
      expect([request.url, body]).toEqual([request.url, { error }]);
      expect(headers['x-request-id']).toMatch(/^req_/);
    }
    for (const request of [
      getFrom(app, file, ANTHROPIC),
      getFrom(app, '/v1/files?limit=x', ANTHROPIC),
      getFrom(app, file, { 'anthropic-version': '2023-06-01', ...wrongKey }),
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
