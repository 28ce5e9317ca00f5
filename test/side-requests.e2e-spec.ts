import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from './support/requests.js';
import { startTestApp, type TestApp } from './support/test-app.js';

const CLAUDE_CODE = { 'user-agent': 'claude-cli/2.1.330 (external, cli)', 'x-claude-code-session-id': 'S' };
const TITLE = { format: { type: 'json_schema', schema: { properties: { title: { type: 'string' } } } } };

describe('a request beside the conversation', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
  });

  afterAll(() => app.close());

  const post = (body: object) => supertest(app.url).post('/v1/messages').set(CLAUDE_CODE).send(body);

  it.each([
    ['a probe of one token', { max_tokens: 1 }],
    ['a probe of none', { max_tokens: 0 }],
    ['a title', { tools: [], output_config: TITLE }],
    ['a title that streams', { tools: [], output_config: TITLE, stream: true }],
  ])('is answered without an agent or a thread: %s', async (_, more) => {
    const response = await post(ask('Fix the login page', more));
    expect(response.status).toBe(200);
    expect(response.headers['x-chiron-thread-key']).toMatch(/^(side|api):/);
    expect(response.text).toContain('"type":"message"');
    expect([await app.count('threads'), await app.count('turns')]).toEqual([0, 0]);
  });
});
