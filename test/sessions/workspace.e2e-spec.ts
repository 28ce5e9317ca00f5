// Over 250 lines: everything that can be done with the files of one session.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import supertest from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { HarnessGateway } from '../../src/harness/harness.gateway.js';
import { Database } from '../../src/storage/database/database.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const KEYS = { one: 'key-one-is-long-enough-for-chiron', two: 'key-two-is-long-enough-for-chiron' };
const apiKeys = Object.entries(KEYS).map(([name, key]) => ({
  name,
  sha256: createHash('sha256').update(key).digest(),
}));
const FILES = '/api/session/test%3Aone/files';

let app: TestApp;
let workspace = '';

beforeAll(async () => {
  app = await startTestApp({ apiKeys, fileLimitBytes: 100_000 });
});

afterAll(() => app.close());

interface Entry {
  readonly path: string;
  readonly type: string;
  readonly size: number;
}

const call = (method: 'get' | 'put' | 'post' | 'delete', path: string, key = KEYS.one) =>
  supertest(app.url)[method](path).set('x-api-key', key);
const put = (path: string, body: string | Buffer) =>
  call('put', `${FILES}/${path}`).set('content-type', 'application/octet-stream').send(body);
async function page(query = ''): Promise<{ readonly files: readonly Entry[]; readonly next_cursor: string | null }> {
  return (await call('get', `${FILES}?${query}`).expect(200)).body as Awaited<ReturnType<typeof page>>;
}
const paths = async (query = '') => (await page(query)).files.map(({ path }) => path);

/** Sends a path as it is: clients resolve `..` themselves. */
function raw(method: string, path: string, body = ''): Promise<{ readonly status: number; readonly text: string }> {
  const { port } = new URL(app.url);
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: '127.0.0.1', port, method, path, headers: { 'x-api-key': KEYS.one } },
      (response) => {
        text(response).then((said) => resolve({ status: response.statusCode ?? 0, text: said }), reject);
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

beforeEach(async () => {
  await call('delete', '/api/session/test%3Aone');
  await call('post', '/api/session/test%3Aone').send({ harness_type: 'demo' }).expect(200);
  const query = app.app.get(Database).kysely.selectFrom('threads').select('id').where('key', '=', 'test:one');
  workspace = join(app.dataDirectory, 'threads', (await query.executeTakeFirstOrThrow()).id, 'workspace');
});

describe('the files of a session', () => {
  it('are written, listed and read, also before the first turn', async () => {
    expect((await page()).files).toEqual([]);
    const { body } = await put('src/a%20b.txt', 'hello').expect(200);
    expect(body).toEqual({
      ok: true,
      path: 'src/a b.txt',
      type: 'file',
      size: 5,
      modified_at: expect.stringMatching(/^\d{4}-/) as string,
    });
    expect(readFileSync(join(workspace, 'src/a b.txt'), 'utf8')).toBe('hello');
    await put('src/a%20b.txt', 'again').expect(200);
    const answer = await call('get', `${FILES}/src/a%20b.txt`).expect(200);
    expect([answer.text, answer.headers['content-disposition']]).toEqual([
      'again',
      expect.stringMatching(/^attachment; filename="a b.txt"/),
    ]);
    expect(answer.headers['content-security-policy']).toContain('sandbox');
    expect(readdirSync(join(workspace, 'src'))).toEqual(['a b.txt']);
  });

  it('are those that the agent has written', async () => {
    await call('post', '/v1/messages')
      .set('x-chiron-thread-key', 'test:one')
      .send({
        model: 'demo',
        max_tokens: 10,
        messages: [{ role: 'user', content: '!echo made > made.txt' }],
      });
    expect((await call('get', `${FILES}/made.txt`).expect(200)).text).toBe('made\n');
  });

  it('that are written while a turn starts are saved as of the turn before it', async () => {
    const noted = vi.spyOn(app.app.get(HarnessGateway), 'noteWritten');
    const say = (content: string) =>
      call('post', '/v1/messages')
        .set('x-chiron-thread-key', 'test:two')
        .send({ model: 'claude-opus-5-5', max_tokens: 10, messages: [{ role: 'user', content }] });
    app.harness.onRun = (run) => run.answer('done');
    await say('first').expect(200);
    app.harness.onRun = () => undefined;
    const second = say('second').then((answer) => answer);
    const run = await app.harness.run('second');
    await call('put', '/api/session/test%3Atwo/files/a.txt').send('a').expect(200);
    run.answer('done');
    await second;
    expect(noted.mock.calls.map(([, { turn }]) => turn)).toEqual([1]);
    noted.mockRestore();
  });

  it('are listed by pages, each folder before what is in it', async () => {
    for (const path of ['b.txt', 'a/2.txt', 'a/1/x.txt', 'a-b/y.txt', 'c/z.txt']) await put(path, path).expect(200);
    const all = ['a', 'a/1', 'a/1/x.txt', 'a/2.txt', 'a-b', 'a-b/y.txt', 'b.txt', 'c', 'c/z.txt'];
    expect(await paths()).toEqual(all);
    for (const limit of [1, 2, 4]) {
      const found: string[] = [];
      let cursor: string | null = '';
      do {
        const part: Awaited<ReturnType<typeof page>> = await page(
          `limit=${limit}${cursor === '' ? '' : `&cursor=${cursor}`}`,
        );
        found.push(...part.files.map(({ path }) => path));
        cursor = part.next_cursor;
      } while (cursor !== null);
      expect(found).toEqual(all);
    }
    expect(await paths('recursive=false')).toEqual(['a', 'a-b', 'b.txt', 'c']);
    expect(await paths('path=a&recursive=false')).toEqual(['a/1', 'a/2.txt']);
    const [first] = (await page('path=a&limit=1')).files;
    expect(first?.path).toBe('a/1');
    expect(await paths(`path=a&cursor=${String((await page('path=a&limit=1')).next_cursor)}`)).toEqual([
      'a/1/x.txt',
      'a/2.txt',
    ]);
    await call('get', `${FILES}?limit=0`).expect(400);
    await call('get', `${FILES}?path=../home`).expect(400);
    await call('get', `${FILES}?cursor=${Buffer.from('../x').toString('base64url')}`).expect(400);
  });

  it('are downloaded with their folder, with links that stay in it and no others', async () => {
    await put('src/deep/a.txt', 'a').expect(200);
    symlinkSync('deep/a.txt', join(workspace, 'src/inside'));
    symlinkSync('/etc/passwd', join(workspace, 'src/outside'));
    symlinkSync('../../home', join(workspace, 'src/above'));
    execFileSync('mkfifo', [join(workspace, 'src/fifo')]);
    const response = await fetch(`${app.url}${FILES}/src/`, { headers: { 'x-api-key': KEYS.one } });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/x-tar']);
    const folder = mkdtempSync(join(tmpdir(), 'chiron-tar-'));
    try {
      writeFileSync(join(folder, 'x.tar'), Buffer.from(await response.arrayBuffer()));
      execFileSync('tar', ['-xf', 'x.tar'], { cwd: folder });
      expect(readdirSync(folder).toSorted()).toEqual(['deep', 'inside', 'x.tar']);
      expect(readFileSync(join(folder, 'deep/a.txt'), 'utf8')).toBe('a');
      expect(readlinkSync(join(folder, 'inside'))).toBe('deep/a.txt');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('are never read or written through links, FIFOs and devices', async () => {
    await put('real/a.txt', 'a').expect(200);
    const outside = mkdtempSync(join(tmpdir(), 'chiron-outside-'));
    try {
      writeFileSync(join(outside, 'secret'), 'secret');
      symlinkSync(outside, join(workspace, 'out'));
      symlinkSync(join(outside, 'secret'), join(workspace, 'link'));
      execFileSync('mkfifo', [join(workspace, 'fifo')]);
      for (const path of ['out', 'out/secret', 'link', 'fifo']) await call('get', `${FILES}/${path}`).expect(404);
      for (const path of ['out/new', 'out/secret', 'link', 'fifo', 'real', 'real/a.txt/b']) {
        expect([path, (await put(path, 'x')).status]).toEqual([path, 409]);
      }
      expect([readdirSync(outside), readFileSync(join(outside, 'secret'), 'utf8')]).toEqual([['secret'], 'secret']);
      expect(lstatSync(join(workspace, 'out')).isSymbolicLink()).toBe(true);
      expect(readFileSync(join(workspace, 'real/a.txt'), 'utf8')).toBe('a');
      expect(await paths()).toEqual(['link', 'out', 'real', 'real/a.txt']);
    } finally {
      rmSync(outside, { recursive: true, force: true });
    }
  });

  it.each([
    '../home/x',
    '..%2fhome%2fx',
    '%2e%2e/home/x',
    'a/../../x',
    'a%2Fb',
    'a%00b',
    './a',
    'x'.repeat(300),
    `${'a/'.repeat(2500)}a`,
  ])('are not reached by the path %s', async (path) => {
    for (const method of ['GET', 'PUT']) {
      const { status, text: said } = await raw(method, `${FILES}/${path}`, method === 'PUT' ? 'x' : '');
      expect([400, 404, 414, 431]).toContain(status);
      expect(said).not.toContain('root:');
    }
    expect(await paths()).toEqual([]);
  });

  it('have the limit of a file, of which nothing is left', async () => {
    await put('big', Buffer.alloc(100_001)).expect(413);
    const { port } = new URL(app.url);
    const status = await new Promise((resolve, reject) => {
      const request = httpRequest(
        {
          host: '127.0.0.1',
          port,
          method: 'PUT',
          path: `${FILES}/big`,
          headers: { 'x-api-key': KEYS.one, 'transfer-encoding': 'chunked' },
        },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      request.on('error', reject);
      for (let part = 0; part < 20; part += 1) request.write(Buffer.alloc(10_000));
      request.end();
    });
    expect([status, readdirSync(workspace)]).toEqual([413, []]);
    await put('fits', Buffer.alloc(100_000)).expect(200);
  });

  it('are listed where a folder has very many', async () => {
    await put('many/x', 'x').expect(200);
    for (let number = 0; number < 3000; number += 1) writeFileSync(join(workspace, 'many', String(number)), '');
    const { files, next_cursor: next } = await page('path=many&limit=1000');
    expect([files.length, next]).toEqual([1000, expect.any(String)]);
    mkdirSync(join(workspace, 'z'));
    expect((await paths('recursive=false')).at(-1)).toBe('z');
  });

  it('are only for their tenant', async () => {
    await put('a.txt', 'mine').expect(200);
    for (const path of ['', '/a.txt']) await call('get', `${FILES}${path}`, KEYS.two).expect(404);
    await call('put', `${FILES}/a.txt`, KEYS.two).set('content-type', 'text/plain').send('theirs').expect(404);
    expect(readFileSync(join(workspace, 'a.txt'), 'utf8')).toBe('mine');
  });
});
