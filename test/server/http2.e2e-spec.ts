import { connect } from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../support/test-app.js';

describe('a caller that speaks HTTP/2 without asking', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
  });

  afterAll(() => app.close());

  it('is refused in HTTP/2', async () => {
    const session = connect(app.url);
    session.on('error', () => undefined); // As it should be.
    const told = new Promise((resolve) => {
      session.on('goaway', (code, _stream, text) => resolve([code, String(text)]));
    });
    // HTTP_1_1_REQUIRED [RFC 9113, 7]
    expect(await told).toEqual([13, 'This server speaks HTTP/1.1 only.']);
    if (!session.closed) await new Promise((resolve) => void session.once('close', resolve));
  });
});
