import { createHash } from 'node:crypto';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../support/test-app.js';

let app: TestApp;

const KEY = 'a-key-of-a-deployment';

beforeAll(async () => {
  app = await startTestApp({ apiKeys: [{ name: 'team', sha256: createHash('sha256').update(KEY).digest() }] });
});
afterAll(() => app.close());

const get = (path: string) => supertest(app.url).get(path).set('authorization', `Bearer ${KEY}`);

describe('GET /v1/models', () => {
  it('has the fields of both APIs for a caller that does not say which one it speaks', async () => {
    const { body } = await get('/v1/models').expect(200);
    expect(body).toMatchObject({ object: 'list', models: [], has_more: false, first_id: 'claude-code' });
    expect(body.data[0]).toMatchObject({
      id: 'claude-code',
      object: 'model',
      owned_by: 'chiron',
      created: expect.any(Number) as number,
      type: 'model',
      display_name: expect.any(String) as string,
    });
    const one = await get('/v1/models/demo').expect(200);
    expect(one.body).toMatchObject({ id: 'demo', object: 'model', type: 'model' });
  });

  it.each(['anthropic-version', 'x-api-key'])(
    'has only those of Anthropic’s for a caller with the header %s',
    async (name) => {
      const { body } = await get('/v1/models')
        .set(name, name === 'x-api-key' ? KEY : '2023-06-01')
        .expect(200);
      expect(Object.keys(body)).toEqual(['data', 'has_more', 'first_id', 'last_id']);
      expect(body.data[0]).not.toHaveProperty('object');
    },
  );

  it('is a catalogue for Codex', async () => {
    const { body } = await get('/v1/models?client_version=0.169.0').expect(200);
    expect(Object.keys(body)).toEqual(['models']);
    expect(body.models).toContainEqual(expect.objectContaining({ slug: 'demo', apply_patch_tool_type: null }));
  });
});

describe('GET /codex/config', () => {
  it('is a script with the configuration for the address of the server, without a key', async () => {
    const { text } = await get('/codex/config?model=demo').expect(200);
    expect(text).toContain(`base_url = "${app.url}/v1"`);
    expect(text).toContain('model = "demo"');
    expect(text).toContain('"slug":"demo"');
    expect(text).not.toContain(KEY);
  });

  it('is the file alone on demand, and has the address behind a proxy', async () => {
    const { text } = await get('/codex/config?file=config.toml').set('x-forwarded-proto', 'https').expect(200);
    expect(text).toContain(`base_url = "${app.url.replace('http:', 'https:')}/v1"`);
    expect(text).toMatch(/^model = "claude-code"\n/);
  });

  it.each([
    ['/codex/config?model=%22%0Aevil', '', /model/],
    ['/codex/config?file=other', '', /file/],
    ['/codex/config', 'bad"host', /host/],
  ])('refuses %s with host %j', async (path, host, message) => {
    const request = get(path);
    const { body } = await (host === '' ? request : request.set('host', host)).expect(400);
    expect(body).toMatchObject({ error: { message: expect.stringMatching(message) as string } });
  });

  it('has the catalogue as a file', async () => {
    const { body } = await get('/codex/models.json').expect(200);
    expect(body.models).toContainEqual(expect.objectContaining({ slug: 'demo' }));
  });
});
