// Over 250 lines: calls of every operation of the document, built from its examples.
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeyStore } from '../../src/storage/stores/key.store.js';
import { TenantStore } from '../../src/storage/stores/tenant.store.js';
import { ApiDocument, objectAt, type Operation } from '../support/openapi.js';
import { ask, thread } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

// Every route of the OpenAPI document, with the ids of another tenant: they are as if they had never been. A new route fails here until
// its ids have values.

/** Values for the parameters of paths and queries that name something of a tenant. */
interface Ids {
  readonly threadKey: string;
  readonly turnId: string;
  readonly executionId: string;
  readonly execution_id: string;
  readonly messageId: string;
  readonly responseId: string;
  readonly fileId: string;
  readonly keyId: string;
  readonly name: string;
  readonly tenant: string;
}

/** Parameters that name nothing of a tenant, with a value for each. */
const SHARED = { id: 'claude-code', path: 'a.txt' };

/** Ids of the same form that nobody ever had. */
const NEVER: Ids = {
  threadKey: 'test:never-was',
  turnId: `exe_${'0'.repeat(32)}`,
  executionId: `exe_${'0'.repeat(32)}`,
  execution_id: `exe_${'0'.repeat(32)}`,
  messageId: `msg_${'0'.repeat(32)}`,
  responseId: `resp_${'0'.repeat(32)}`,
  fileId: `file_${'0'.repeat(32)}`,
  keyId: `key_${'0'.repeat(24)}`,
  name: 'never-was',
  tenant: 'never-was',
};

/** Routes whose answer is not a refusal: what they name in a path is made when it is not there. */
const CREATING = new Set(['createSession']);

let app: TestApp;
let document: ApiDocument;
/** What the owner has: a thread whose agent waits for a tool of its caller. */
let owned: Ids;
let owner = '';
let other = '';

beforeAll(async () => {
  app = await startTestApp();
  document = await ApiDocument.of(app.url);
  owner = await makeKey('owner');
  other = await makeKey('other');
  const tools = { model: 'demo', tools: [{ name: 'approve', input_schema: { type: 'object' } }] };
  const answered = await supertest(app.url)
    .post('/v1/messages')
    .set({ 'x-api-key': owner, ...thread('owned') })
    .send(ask('/call approve {"what":"deploy"}', tools))
    .expect(200);
  const session = await supertest(app.url).get('/api/session/test:owned').set('x-api-key', owner).expect(200);
  const executionId = String((session.body as Session).turns[0]?.execution_id);
  await supertest(app.url).put('/api/session/test:owned/files/a.txt').set('x-api-key', owner).send('mine').expect(200);
  const form = supertest(app.url)
    .post('/v1/files')
    .set('x-api-key', owner)
    .attach('file', Buffer.from('mine'), 'a.txt');
  const fileId = ((await form.expect(200)).body as { readonly id: string }).id;
  const [key] = await app.app.get(KeyStore).list('owner');
  const messageId = (answered.body as { readonly id: string }).id;
  owned = {
    threadKey: 'test:owned',
    turnId: executionId,
    executionId,
    execution_id: executionId,
    messageId,
    responseId: messageId.replace('msg_', 'resp_'),
    fileId,
    keyId: key?.id ?? '',
    name: 'owner',
    tenant: 'owner',
  };
});

afterAll(() => app.close());

interface Session {
  readonly turns: readonly { readonly execution_id: string }[];
}

async function makeKey(tenant: string): Promise<string> {
  await app.app.get(TenantStore).create(tenant, 'cli');
  const made = await app.app.get(KeyStore).create({ tenant, role: 'user' }, 'cli');
  if (made === undefined) throw new Error('no key was made');
  return made.secret;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Asks for an operation by its own example, with these ids in its path and its query. */
async function callWith(ids: Ids, { method, path, object }: Operation, key: string): Promise<Answer> {
  const values: Readonly<Record<string, string>> = { ...ids, ...SHARED };
  const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(valueOf(values, name)));
  const query = parameters(object, 'query')
    .filter((name) => Object.hasOwn(ids, name))
    .map((name): [string, string] => [name, valueOf(values, name)]);
  const body = exampleBody(object);
  const response = await fetch(`${app.url}${url}?${new URLSearchParams([...query]).toString()}`, {
    method: method.toUpperCase(),
    headers: { 'x-api-key': key, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, text: withoutIds(await response.text(), ids) };
}

function valueOf(values: Readonly<Record<string, string>>, name: string): string {
  const value = values[name];
  if (value === undefined) throw new Error(`a route names something by ${name}: say here whose it is`);
  return value;
}

function parameters(operation: Operation['object'], place: 'path' | 'query'): readonly string[] {
  const all = (operation['parameters'] ?? []) as readonly { readonly in: string; readonly name: string }[];
  return all.filter((parameter) => parameter.in === place).map(({ name }) => name);
}

function exampleBody(operation: Operation['object']): unknown {
  const examples = objectAt(operation, 'requestBody', 'content', 'application/json', 'examples');
  return examples === undefined ? undefined : objectAt(Object.values(examples)[0])?.['value'];
}

/** An answer may repeat the ids of its request, and has an id of its own. */
function withoutIds(text: string, ids: Ids): string {
  const own = Object.values(ids).filter((id) => id !== 'owner' && id !== 'never-was');
  return own.reduce((rest, id) => rest.replaceAll(id, '<id>'), text.replaceAll(/req_[\da-f]{24}/g, '<request>'));
}

const named = () =>
  document.operations.filter(({ object }) => parameters(object, 'path').some((name) => name !== 'id'));

describe('what another tenant has', () => {
  it('is the same 404 as what never was, on every route with an id', async () => {
    const routes = named().filter(({ id, path }) => !CREATING.has(id) && !path.startsWith('/api/admin/'));
    expect(routes.length).toBeGreaterThan(8);
    for (const operation of routes) {
      const foreign = await callWith(owned, operation, other);
      expect([operation.id, foreign.status, foreign]).toEqual([
        operation.id,
        404,
        await callWith(NEVER, operation, other),
      ]);
    }
  });

  it('is the same 404 below a thread of the caller’s own, and for its owner below another thread', async () => {
    const own = { ...owned, threadKey: 'test:mine' };
    for (const key of [other, owner]) {
      await supertest(app.url).post('/api/session/test:mine').set('x-api-key', key).send({ harness_type: 'demo' });
      const routes = named().filter(({ object }) =>
        [...parameters(object, 'path'), ...parameters(object, 'query')].some((name) =>
          /^(turn|execution)_?id$/i.test(name),
        ),
      );
      expect(routes.map(({ id }) => id).toSorted()).toEqual(['answerCalls', 'getTurn', 'readEvents']);
      for (const operation of routes) {
        const foreign = await callWith(own, operation, key);
        const never = await callWith({ ...NEVER, threadKey: 'test:mine' }, operation, key);
        expect([operation.id, foreign.status, foreign]).toEqual([operation.id, 404, never]);
      }
    }
  });

  it('is not in any sum: its usage is that of a tenant that never was, and its owner’s is not in the caller’s own', async () => {
    const routes = document.operations.filter(
      ({ path, object }) => !path.startsWith('/api/admin/') && parameters(object, 'query').includes('tenant'),
    );
    expect(routes.map(({ id }) => id)).toEqual(['getUsage']);
    for (const operation of routes) {
      const foreign = await callWith(owned, operation, other);
      expect([foreign.status, foreign]).toEqual([404, await callWith(NEVER, operation, other)]);
      expect((await callWith(owned, operation, owner)).text).toContain('"turns":1,');
    }
    const all = { 'x-api-key': other, accept: 'application/json' };
    const own = await (await fetch(`${app.url}/api/usage?group_by=tenant,key,user,model`, { headers: all })).json();
    expect(own).toMatchObject({ data: [], total: { turns: 0, output_tokens: 0, cost_usd: 0 } });
  });

  it('is not found by the message that a message thread would continue', async () => {
    for (const id of [owned.messageId, NEVER.messageId]) {
      const body = ask('go on', { thread: { type: 'continue', previous_message_id: id } });
      const { body: answer } = await supertest(app.url)
        .post('/v1/messages')
        .set('x-api-key', other)
        .send(body)
        .expect(404);
      expect(JSON.stringify(answer.error).replaceAll(id, '<id>')).toMatchInlineSnapshot(
        `"{"type":"not_found_error","message":"thread.previous_message_id: no thread has this message.","details":{"error_code":"thread_not_found"}}"`,
      );
    }
  });

  it('is not in any list', async () => {
    const lists = document.operations.filter(
      ({ method, path, object }) => method === 'get' && parameters(object, 'path').length === 0 && path.startsWith('/'),
    );
    expect(lists.map(({ id }) => id)).toEqual(expect.arrayContaining(['listSessions', 'listModels', 'listKeys']));
    for (const { id, path } of lists) {
      const text = await (await fetch(`${app.url}${path}`, { headers: { 'x-api-key': other } })).text();
      for (const secret of [owned.threadKey, owned.executionId, owned.messageId, owned.keyId])
        expect([id, text.includes(secret)]).toEqual([id, false]);
    }
  });

  it('is another thread of the caller’s own where a thread is made by its key', async () => {
    for (const operation of document.operations.filter(({ id }) => CREATING.has(id))) {
      expect(await callWith(owned, operation, other)).toMatchObject({ status: 200 });
    }
    const mine = await supertest(app.url).get('/api/session/test:owned').set('x-api-key', other).expect(200);
    expect((mine.body as Session).turns).toEqual([]);
    const kept = await supertest(app.url).get('/api/session/test:owned').set('x-api-key', owner).expect(200);
    expect((kept.body as Session).turns).toMatchObject([{ execution_id: owned.executionId, status: 'parked' }]);
  });

  it('is closed to users on the admin routes, whether it is there or not', async () => {
    const routes = named().filter(({ path }) => path.startsWith('/api/admin/'));
    expect(routes.map(({ id }) => id).toSorted()).toEqual([
      'getKeyPolicy',
      'getTenantPolicy',
      'getTenantWebhook',
      'removeTenant',
      'removeTenantWebhook',
      'revokeKey',
      'setKeyPolicy',
      'setTenantPolicy',
      'setTenantWebhook',
    ]);
    for (const operation of routes) {
      const foreign = await callWith(owned, operation, other);
      expect([operation.id, foreign.status, foreign]).toEqual([
        operation.id,
        403,
        await callWith(NEVER, operation, other),
      ]);
    }
  });

  it('is found by its owner with the same calls, so that a 404 above means something', async () => {
    const reads = named().filter(({ id }) => ['getSession', 'getTurn', 'getHistory'].includes(id));
    for (const operation of reads)
      expect([operation.id, (await callWith(owned, operation, owner)).status]).toEqual([operation.id, 200]);
    const cancel = document.operations.filter(({ id }) => id === 'cancelMessage');
    for (const operation of cancel) expect((await callWith(owned, operation, owner)).status).toBe(200);
  });
});
