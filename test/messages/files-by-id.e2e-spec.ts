// Over 250 lines: a file in the requests of both APIs, by the same uploads and workspaces.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FileCleanup } from '../../src/filestore/file-cleanup.js';
import { Database } from '../../src/storage/database/database.js';
import { ask, converse, thread } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const KEYS = { one: 'key-one-is-long-enough-for-chiron', two: 'key-two-is-long-enough-for-chiron' };
const apiKeys = Object.entries(KEYS).map(([name, key]) => ({
  name,
  sha256: createHash('sha256').update(key).digest(),
}));
/** A PNG of one pixel. */
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp({ apiKeys });
  app.harness.onRun = (run) => run.answer('seen');
});

afterAll(() => app.close());

async function upload(content: string | Buffer, name: string, key = KEYS.one): Promise<string> {
  const request = supertest(app.url).post('/v1/files').set('x-api-key', key).attach('file', Buffer.from(content), name);
  return ((await request.expect(200)).body as { readonly id: string }).id;
}

const send = (body: object, name: string, key = KEYS.one) =>
  supertest(app.url)
    .post('/v1/messages')
    .set({ 'x-api-key': key, ...thread(name) })
    .send(body);
const document = (id: string) => ({ type: 'document', source: { type: 'file', file_id: id } });
const image = (id: string) => ({ type: 'image', source: { type: 'file', file_id: id } });
const onlyFile = (id: string) => ({ type: 'container_upload', file_id: id });
const lastRun = () => {
  const run = app.harness.runs.at(-1);
  if (run === undefined) throw new Error('nothing ran');
  return run;
};

/** The workspace of the only thread with this key. */
async function workspace(name: string): Promise<string> {
  const { id } = await app.app
    .get(Database)
    .kysely.selectFrom('threads')
    .select('id')
    .where('key', '=', `test:${name}`)
    .executeTakeFirstOrThrow();
  return join(app.dataDirectory, 'threads', id, 'workspace');
}

describe('a file that a message names', () => {
  it('is in the workspace under its name, and content where the model takes it', async () => {
    const [picture, notes, data] = [
      await upload(Buffer.from(PIXEL, 'base64'), 'pixel.png'),
      await upload('Pay Ada.', 'notes.txt'),
      await upload('a,b\n1,2\n', '../../data.csv'),
    ];
    const content = [image(picture), document(notes), onlyFile(data), { type: 'text', text: 'Look.' }];
    await send(ask(content), 'all').expect(200);
    const place = (id: string, name: string) => `uploads/${id}/${name}`;
    const note = (name: string, type: string, size: number, id: string) => ({
      type: 'text',
      text: `[The user gave the file "${name}" (${type}, ${size} bytes). It is ${place(id, name)} in the workspace.]`,
    });
    expect(lastRun().turn.prompt).toEqual([
      note('pixel.png', 'image/png', Buffer.from(PIXEL, 'base64').length, picture),
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } },
      note('notes.txt', 'text/plain', 8, notes),
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Pay Ada.' }, title: 'notes.txt' },
      note('data.csv', 'text/csv', 8, data),
      { type: 'text', text: 'Look.' },
    ]);
    const folder = await workspace('all');
    expect(readFileSync(join(folder, place(data, 'data.csv')), 'utf8')).toBe('a,b\n1,2\n');
    expect(readFileSync(join(folder, place(picture, 'pixel.png'))).toString('base64')).toBe(PIXEL);
  });

  it('is text only if it is text, whatever its type says', async () => {
    const id = await upload(Buffer.from([0, 1, 2, 255]), 'odd.txt');
    await send(ask([document(id), { type: 'text', text: 'odd' }]), 'odd').expect(200);
    expect(lastRun().turn.prompt.map(({ type }) => type)).toEqual(['text', 'text']);
  });

  it('that is missing or of another tenant is refused before anything is stored, and the same for both', async () => {
    const foreign = await upload('secret', 'secret.txt', KEYS.two);
    const count = async () => [await app.count('threads'), await app.count('turns')];
    const before = await count();
    for (const id of [foreign, `file_${'0'.repeat(32)}`, '../../x', 'file-abc']) {
      for (const block of [document(id), image(id), onlyFile(id)]) {
        const { body } = await send(ask([block, { type: 'text', text: 'x' }]), 'refused').expect(404);
        expect(body).toMatchObject({
          type: 'error',
          error: { type: 'not_found_error', message: `File not found: ${id}` },
        });
      }
    }
    expect(await count()).toEqual(before);
  });

  it.each([
    [{ type: 'document', source: { type: 'file' } }, 'source.file_id: Field required'],
    [{ type: 'container_upload', file_id: 7 }, 'file_id: Input should be a valid string'],
  ])('has to have an id: %j', async (block, problem) => {
    const { body } = await send(ask([block]), 'malformed').expect(400);
    expect((body as { error: { message: string } }).error.message).toContain(problem);
  });

  it('cannot be an image if it is none', async () => {
    const id = await upload('text', 'a.txt');
    const { body } = await send(ask([image(id), { type: 'text', text: 'x' }]), 'no-image').expect(400);
    expect(body).toMatchObject({
      error: { type: 'invalid_request_error', message: expect.stringContaining('Invalid file type') as string },
    });
  });

  it('is one of at most 100, of which nothing is stored above that', async () => {
    const id = await upload('one', 'one.txt');
    const count = async () => [await app.count('threads'), await app.count('turns')];
    const before = await count();
    const files = Array.from({ length: 101 }, () => onlyFile(id));
    const { body } = await send(ask([...files, { type: 'text', text: 'x' }]), 'many').expect(400);
    expect(body).toMatchObject({
      error: { type: 'invalid_request_error', message: expect.stringContaining('Too many files') as string },
    });
    expect(await count()).toEqual(before);
    await send(ask([...files.slice(1), { type: 'text', text: 'x' }]), 'many').expect(200);
  });

  it('of an earlier message may be one of very many', async () => {
    const conversation = converse(['x', 'I see.', 'And now?'], {});
    const messages = conversation['messages'] as { role: string; content: unknown }[];
    const gone = Array.from({ length: 33_000 }, (_, at) => onlyFile(`file_${at.toString(16).padStart(32, '0')}`));
    messages[0] = { role: 'user', content: [...gone, { type: 'text', text: 'See these.' }] };
    await send({ ...conversation, messages }, 'very-many').expect(200);
  });

  it('tells two requests with the same words apart, and a retry attaches, also after the file was deleted', async () => {
    const [one, two] = [await upload('1', 'n.txt'), await upload('2', 'n.txt')];
    const body = (id: string) => ask([onlyFile(id), { type: 'text', text: 'Read it.' }]);
    const first = await send(body(one), 'retry').expect(200);
    const second = await send(body(two), 'retry').set('idempotency-key', 'again').expect(200);
    expect(second.headers['x-chiron-history']).not.toBe('attached');
    await supertest(app.url).delete(`/v1/files/${two}`).set('x-api-key', KEYS.one).expect(200);
    const turns = await app.count('turns');
    const again = await send(body(two), 'retry').set('idempotency-key', 'again').expect(200);
    expect([again.headers['x-chiron-history'], await app.count('turns')]).toEqual(['attached', turns]);
    expect((first.body as { id: string }).id).not.toBe((again.body as { id: string }).id);
  });

  it('that is deleted while its turn waits still reaches the turn, and is removed afterwards', async () => {
    app.harness.onRun = () => undefined;
    const id = await upload('needed', 'needed.txt');
    const busy = send(ask('first'), 'waits').then((answer) => answer);
    const first = await app.harness.run('first');
    const waiting = send(ask([document(id), { type: 'text', text: 'second' }]), 'waits').then((answer) => answer);
    await expect
      .poll(() => app.app.get(Database).kysely.selectFrom('turn_files').selectAll().where('file_id', '=', id).execute())
      .toHaveLength(1);
    await supertest(app.url).delete(`/v1/files/${id}`).set('x-api-key', KEYS.one).expect(200);
    await supertest(app.url).get(`/v1/files/${id}`).set('x-api-key', KEYS.one).expect(404);
    await app.app.get(FileCleanup).run();
    app.harness.onRun = (run) => run.answer('seen');
    first.answer('done');
    await busy;
    expect((await waiting).text).toContain('seen');
    expect(JSON.stringify(lastRun().turn.prompt)).toContain('needed');
    expect(readFileSync(join(await workspace('waits'), 'uploads', id, 'needed.txt'), 'utf8')).toBe('needed');
    await app.app.get(FileCleanup).run();
    expect(readdirSync(join(app.dataDirectory, 'files'))).not.toContain(id);
  });

  it('is not put over what the agent made of it', async () => {
    const id = await upload('old', 'draft.txt');
    await send(ask([onlyFile(id), { type: 'text', text: 'edit' }]), 'edits').expect(200);
    const path = join(await workspace('edits'), 'uploads', id, 'draft.txt');
    writeFileSync(path, 'new');
    await send(ask([onlyFile(id), { type: 'text', text: 'and again' }]), 'edits').expect(200);
    expect(readFileSync(path, 'utf8')).toBe('new');
  });

  it('of an earlier message seeds a new thread, and is a text if it is gone', async () => {
    const [kept, gone] = [await upload('kept', 'kept.txt'), await upload('gone', 'gone.txt')];
    await supertest(app.url).delete(`/v1/files/${gone}`).set('x-api-key', KEYS.one).expect(200);
    const conversation = converse(['x', 'I see.', 'And now?'], {});
    const messages = conversation['messages'] as { role: string; content: unknown }[];
    messages[0] = { role: 'user', content: [document(kept), document(gone), { type: 'text', text: 'See these.' }] };
    await send({ ...conversation, messages }, 'seeded').expect(200);
    const seed = JSON.stringify(lastRun().turn.seed);
    expect(seed).toContain(`uploads/${kept}/kept.txt`);
    expect(seed).toContain('which has been deleted since');
    expect(readFileSync(join(await workspace('seeded'), 'uploads', kept, 'kept.txt'), 'utf8')).toBe('kept');
  });
});

describe('a file in the Responses API', () => {
  const respond = (content: readonly object[], name: string) =>
    supertest(app.url)
      .post('/v1/responses')
      .set({ authorization: `Bearer ${KEYS.one}`, ...thread(name) })
      .send({ model: 'claude-opus-5-5', input: [{ role: 'user', content }] });

  it('is named by its id, or is in the request, and is in the workspace in any case', async () => {
    const picture = await upload(Buffer.from(PIXEL, 'base64'), 'pixel.png');
    const data = `data:text/markdown;base64,${Buffer.from('# Hi').toString('base64')}`;
    const content = [
      { type: 'input_image', file_id: picture },
      { type: 'input_file', file_data: data, filename: 'read me.md' },
      { type: 'input_text', text: 'Look.' },
    ];
    const answer = await respond(content, 'responses').expect(200);
    const types = lastRun().turn.prompt.map(({ type }) => type);
    expect(types).toEqual(['text', 'image', 'text', 'document', 'text']);
    const folders = readdirSync(join(await workspace('responses'), 'uploads'));
    const inline = folders.find((name) => name.startsWith('inline_')) ?? '';
    expect(readFileSync(join(await workspace('responses'), 'uploads', inline, 'read me.md'), 'utf8')).toBe('# Hi');
    const { id } = answer.body as { readonly id: string };
    const items = await supertest(app.url)
      .get(`/v1/responses/${id}/input_items`)
      .set('authorization', `Bearer ${KEYS.one}`);
    expect(JSON.stringify(items.body)).toContain(`"file_id":"${picture}"`);
  });

  it('is also in the workspace of a branch from an older response', async () => {
    const id = await upload('kept', 'kept.txt');
    const post = async (input: unknown, previous?: string): Promise<string> => {
      const { body } = await supertest(app.url)
        .post('/v1/responses')
        .set('authorization', `Bearer ${KEYS.one}`)
        .send({ model: 'claude-opus-5-5', input, previous_response_id: previous ?? null })
        .expect(200);
      return (body as { readonly id: string }).id;
    };
    const part = { type: 'input_file', file_id: id };
    const first = await post([{ role: 'user', content: [part, { type: 'input_text', text: 'See it.' }] }]);
    await post('and then?', first);
    const before = new Set(readdirSync(join(app.dataDirectory, 'threads')));
    await post('and instead?', first);
    const branch = readdirSync(join(app.dataDirectory, 'threads')).filter((name) => !before.has(name));
    expect(branch).toHaveLength(1);
    const path = join(app.dataDirectory, 'threads', String(branch[0]), 'workspace/uploads', id, 'kept.txt');
    expect(readFileSync(path, 'utf8')).toBe('kept');
  });

  it('that is missing is refused in its own form', async () => {
    const { body } = await respond(
      [
        { type: 'input_file', file_id: 'file-none' },
        { type: 'input_text', text: 'x' },
      ],
      'none',
    ).expect(404);
    expect(body).toEqual({
      error: { message: 'File not found: file-none', type: 'invalid_request_error', param: null, code: 'not_found' },
    });
  });
});
