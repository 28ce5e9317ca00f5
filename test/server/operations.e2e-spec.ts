import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseEvents } from '../support/sse-client.js';
import { checkGrammar } from '../support/stream-grammar.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});

afterAll(() => app.close());

describe('what load balancers and clients look at', () => {
  it('is healthy and ready', async () => {
    await supertest(app.url).get('/healthz').expect(200, { ok: true });
    await supertest(app.url).get('/readyz').expect(200, { ok: true, ready: true });
  });

  it('describes itself at its root', async () => {
    const { body } = await supertest(app.url).get('/').expect(200);
    expect(body).toMatchObject({ name: 'chiron', messages: '/v1/messages', responses: '/v1/responses' });
  });

  it.each(['/', '/api/hello', '/healthz', '/readyz'])('answers HEAD %s with a status and no body', async (path) => {
    const response = await supertest(app.url).head(path).expect(200);
    expect(response.headers['request-id']).toMatch(/^req_/);
    expect(response.text).toBeUndefined();
  });
});

describe('the documentation', () => {
  it('is a page for people', async () => {
    await supertest(app.url)
      .get('/docs')
      .expect(200)
      .expect('content-type', /^text\/html/)
      .expect(/swagger-ui/);
  });

  it('is an OpenAPI document whose references and operations are sound', async () => {
    const { body } = await supertest(app.url).get('/openapi.json').expect(200).expect('content-type', /json/);
    const document = body as Json;
    expect(at(document, 'openapi')).toMatch(/^3\./);
    expect(at(document, 'info', 'title')).toBe('Chiron');
    const dangling = referencesIn(document).filter(
      (reference) => at(document, ...reference.replace('#/', '').split('/')) === undefined,
    );
    expect(dangling).toEqual([]);
    const operations = entriesOf(at(document, 'paths')).flatMap(([path, methods]) =>
      entriesOf(methods).map(([method, operation]) => ({ name: `${method} ${path}`, path, operation })),
    );
    const ids = operations.map(({ operation }) => at(operation, 'operationId'));
    expect(new Set(ids).size).toBe(ids.length);
    for (const { name, path, operation } of operations) {
      const inPath = asList(at(operation, 'parameters')).filter((parameter) => at(parameter, 'in') === 'path');
      expect({
        name,
        summary: at(operation, 'summary'),
        hasResponses: entriesOf(at(operation, 'responses')).length > 0,
        parameters: inPath.map((parameter) => at(parameter, 'name')),
      }).toEqual({
        name,
        summary: expect.any(String) as string,
        hasResponses: true,
        parameters: [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter),
      });
    }
  });

  it('has an example with its answer for both ways to ask, and they are true to the protocol', async () => {
    const { body } = await supertest(app.url).get('/openapi.json').expect(200);
    const post = at(body as Json, 'paths', '/v1/messages', 'post');
    const examples = at(post, 'requestBody', 'content', 'application/json', 'examples');
    expect(at(examples, 'streaming', 'value', 'stream')).toBe(true);
    expect(at(examples, 'whole', 'value', 'stream')).toBeUndefined();
    const answers = at(post, 'responses', '200', 'content');
    expect(at(answers, 'application/json', 'example', 'type')).toBe('message');
    const stream = at(answers, 'text/event-stream', 'example');
    expect(checkGrammar(parseEvents(typeof stream === 'string' ? stream : '').map((event) => event.data))).toEqual([]);
  });

  it('names every status that callers must know', async () => {
    const { body } = await supertest(app.url).get('/openapi.json').expect(200);
    const responses = at(body as Json, 'paths', '/v1/messages', 'post', 'responses');
    const statuses = ['200', '400', '401', '404', '409', '413', '429', '500', '503', '504', '529'];
    expect(Object.keys(responses ?? {})).toEqual(expect.arrayContaining(statuses));
  });

  it('requires the fields that the endpoint requires', async () => {
    const { body } = await supertest(app.url).get('/openapi.json').expect(200);
    const required = at(body as Json, 'components', 'schemas', 'CreateMessageDto', 'required');
    expect(new Set(asList(required))).toEqual(new Set(['max_tokens', 'messages', 'model']));
  });
});

/** What is at a path inside of JSON, `undefined` when there is nothing. */
function at(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let found = value;
  for (const name of path) found = entriesOf(found).find(([key]) => key === name.replaceAll('~1', '/'))?.[1];
  return found;
}

function entriesOf(value: Json | undefined): readonly (readonly [string, Json])[] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function asList(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function referencesIn(value: Json): readonly string[] {
  return entriesOf(value).flatMap(([name, inner]) =>
    name === '$ref' && typeof inner === 'string' ? [inner] : referencesIn(inner),
  );
}
