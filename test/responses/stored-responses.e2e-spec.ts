import supertest from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import type { ResponseObject } from '../../src/responses/wire/response-object.js';
import { EventLog } from '../../src/storage/event-log/event-log.js';
import { eventually } from '../support/eventually.js';
import { outputTextOf, ResponseReader } from '../support/response-stream.js';
import { textBlock } from '../support/scripted-harness.js';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';
import { hello, MODEL, responseOf } from './support/responses.js';

let app: TestApp;
afterEach(() => app.close());

async function start(settings: TestSettings = {}) {
  app = await startTestApp(settings);
  return supertest(app.url);
}

async function begin(server: Awaited<ReturnType<typeof start>>): Promise<ResponseObject> {
  return responseOf(
    await server
      .post('/v1/responses')
      .send({ ...hello, background: true })
      .expect(200),
  );
}

const read = (id: string, query = '') => ResponseReader.open(`${app.url}/v1/responses/${id}?stream=true${query}`);

describe('a background response', () => {
  it('is answered at once, goes on, and is read by its id', async () => {
    const server = await start();
    const begun = await begin(server);
    expect(['queued', 'in_progress']).toContain(begun.status);
    expect(begun).toMatchObject({ background: true, output: [] });
    const run = await app.harness.run('hello');
    expect((await server.get(`/v1/responses/${begun.id}`).expect(200)).body).toMatchObject({ status: 'in_progress' });
    run.answer('Done.');
    await eventually(async () => responseOf(await server.get(`/v1/responses/${begun.id}`)).status).toBe('completed');
    const ended = responseOf(await server.get(`/v1/responses/${begun.id}`).expect(200));
    expect(outputTextOf(ended)).toBe('Done.');
    expect(ended).toMatchObject({ id: begun.id, background: true, usage: { output_tokens: 5 } });
  });

  it('that fails is a failed response, and no error of its reader', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.fail('overloaded', 'Too much.');
    const { id } = await begin(server);
    await eventually(async () => responseOf(await server.get(`/v1/responses/${id}`)).status).toBe('failed');
    const { body } = await server.get(`/v1/responses/${id}`).expect(200);
    expect(body).toMatchObject({ error: { code: 'server_is_overloaded', message: 'Too much.' } });
  });

  it('can be streamed, and read on after any of its events', async () => {
    const server = await start();
    const { id } = await begin(server);
    const run = await app.harness.run('hello');
    run.text('One. ');
    const first = read(id);
    await first.sees('"delta":"One. "');
    first.leave();
    const last = first.events.at(-1)?.sequence_number ?? -1;
    const rest = read(id, `&starting_after=${last}`);
    run.end(...textBlock('Two.', 'b'));
    await rest.done();
    const whole = await read(id).done();
    expect([...first.events, ...rest.events]).toEqual(whole.events);
    expect(outputTextOf(whole.response)).toBe('One. Two.');
    const after = await read(id, '&starting_after=3').done();
    expect(after.events).toEqual(whole.events.slice(4));
  });
});

describe('the response of a turn', () => {
  it('is the same from its id as it was from its request, also when its events are gone', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer('Hello.');
    const answered = responseOf(
      await server
        .post('/v1/responses')
        .send({ ...hello, metadata: { a: 'b' } })
        .expect(200),
    );
    const found = await server.get(`/v1/responses/${answered.id}`).expect(200);
    expect(found.body).toEqual(answered);
    await app.app.get(EventLog).prune(Date.now() + 60_000);
    const rebuilt = responseOf(await server.get(`/v1/responses/${answered.id}`).expect(200));
    expect(outputTextOf(rebuilt)).toBe('Hello.');
    expect(rebuilt).toMatchObject({ id: answered.id, metadata: { a: 'b' }, usage: { output_tokens: 5 } });
  });

  it('can be read by the id of a message of the other API', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer('Hello.');
    const { body } = await server
      .post('/v1/messages')
      .send({ model: MODEL, max_tokens: 100, messages: [{ role: 'user', content: 'hello' }] })
      .expect(200);
    const id = String(body.id).replace('msg_', 'resp_');
    expect(outputTextOf(responseOf(await server.get(`/v1/responses/${id}`).expect(200)))).toBe('Hello.');
  });

  it('lists what it answers', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer('Hello.');
    const image = { type: 'input_image', image_url: 'data:image/png;base64,AAAA' };
    const input = [{ role: 'user', content: [{ type: 'input_text', text: 'hello' }, image] }];
    const { id } = responseOf(await server.post('/v1/responses').send({ model: MODEL, input }).expect(200));
    const { body } = await server.get(`/v1/responses/${id}/input_items?limit=5`).expect(200);
    expect(body).toMatchObject({
      object: 'list',
      has_more: false,
      data: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hello' }, image] }],
    });
  });

  it('is cancelled, once, and has what there was of it', async () => {
    const server = await start();
    const { id } = await begin(server);
    const run = await app.harness.run('hello');
    run.text('So far.');
    const reader = read(id);
    await reader.sees('So far.');
    const cancelled = responseOf(await server.post(`/v1/responses/${id}/cancel`).expect(200));
    expect(cancelled.status).toBe('cancelled');
    expect(outputTextOf(cancelled)).toBe('So far.');
    expect((await reader.done()).events.at(-1)?.type).toBe('response.cancelled');
    expect((await server.post(`/v1/responses/${id}/cancel`).expect(200)).body).toEqual(cancelled);
    expect(run.interrupted).toBe(true);
  });

  it('that is deleted is not found any more, but the thread goes on', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer('Hello.');
    const request = { ...hello, conversation: 'c' };
    const { id } = responseOf(await server.post('/v1/responses').send(request).expect(200));
    const { body } = await server.delete(`/v1/responses/${id}`).expect(200);
    expect(body).toEqual({ id, object: 'response', deleted: true });
    await server.get(`/v1/responses/${id}`).expect(404);
    await server.delete(`/v1/responses/${id}`).expect(404);
    await server
      .post('/v1/responses')
      .send({ ...hello, previous_response_id: id })
      .expect(404);
    await server
      .post('/v1/responses')
      .send({ ...request, input: 'and now?' })
      .expect(200);
    expect(await app.count('threads')).toBe(1);
  });

  it.each([
    ['get', '/v1/responses/resp_none', 404],
    ['get', '/v1/responses/x', 404],
    ['get', '/v1/responses/resp_none?stream=maybe', 400],
    ['get', '/v1/responses/resp_none?starting_after=3', 400],
    ['get', '/v1/responses/resp_none?stream=true&starting_after=-1', 400],
    ['get', '/v1/responses/resp_none/input_items', 404],
    ['post', '/v1/responses/resp_none/cancel', 404],
    ['delete', '/v1/responses/resp_none', 404],
    ['put', '/v1/responses/resp_none', 405],
  ] as const)('%s %s gets status %i in the form of the API', async (method, path, status) => {
    const server = await start();
    const { body } = await server[method](path).expect(status);
    expect(body).toMatchObject({ error: { type: 'invalid_request_error', message: expect.any(String) as string } });
  });
});
