import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const MORE_THAN_ANY_DISK = 1e15;

describe('a server whose disk has less free space than its mark', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp({ minFreeDiskBytes: MORE_THAN_ANY_DISK });
  });
  afterAll(() => app.close());

  it('refuses new turns with a 529 that clients retry, and stores nothing', async () => {
    const { body, headers } = await supertest(app.url).post('/v1/messages').send(ask('hi')).expect(529);
    expect(body).toMatchObject({
      type: 'error',
      error: { type: 'overloaded_error', message: 'The disk of the server is almost full.' },
    });
    expect(headers['retry-after']).toBe('60');
    expect(app.harness.runsOf('hi')).toEqual([]);
  });

  it('is alive and not ready, and says why', async () => {
    await supertest(app.url).get('/healthz').expect(200);
    const { body } = await supertest(app.url).get('/readyz').expect(503);
    expect(body).toEqual({ ok: false, ready: false, error: 'the disk is almost full' });
  });
});
