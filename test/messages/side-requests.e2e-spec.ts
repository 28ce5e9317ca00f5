import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPromptText } from '../../src/domain/prompt.js';
import { recorded } from '../../src/clients/claude-code/__fixtures__/recorded.js';
import { ask } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

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

  it('runs beside a running turn of the session, and gives its agent the conversation', async () => {
    app.harness.onRun = (run) => {
      if (run.thread.tools === 'none') run.answer('aside');
    };
    const send = (name: string) => supertest(app.url).post('/v1/messages').set(CLAUDE_CODE).send(recorded(name).body);
    const turn = send('main-first').then((response) => response.text);
    const run = await app.harness.run('first prompt without hints');
    for (const name of ['side-compact', 'side-question', 'side-recap', 'side-suggestion', 'side-subagent-later']) {
      const response = await send(name);
      expect(response.headers['x-chiron-thread-key']).toMatch(/^side:/);
      expect(response.text).toContain('aside');
    }
    run.answer('the turn');
    expect(await turn).toContain('the turn');
    const ofSession = app.harness.runs.filter(({ thread }) => thread.tools === 'all');
    expect(ofSession).toEqual([run]);
    const recap = app.harness.runs.find(({ turn: { prompt } }) => readPromptText(prompt).includes('stepped away'));
    expect(readPromptText(recap?.turn.prompt ?? [])).toContain('prompt after escape');
    expect(recap?.thread.systemPrompt).toMatch(/^You are Claude Code/);
  });
});
