import supertest from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { readPromptText } from '../../src/domain/prompt.js';
import { ask } from '../support/requests.js';
import { textBlock } from '../support/scripted-harness.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { assistant, completionOf, contentOf, hello, MODEL, PATH, say, user } from './support/completions.js';

let app: TestApp;
afterEach(() => app.close());

async function start() {
  app = await startTestApp();
  return supertest(app.url);
}

describe('the thread of a request', () => {
  it('is found by what was said, also with the lines of tools', async () => {
    const server = await start();
    app.harness.onRun = (run) =>
      run.end(
        ...textBlock('I look.', 'a'),
        { type: 'tool-call', id: 't', name: 'Bash', server: 'agent', input: { command: 'ls' } },
        { type: 'tool-result', id: 't', content: [{ type: 'text', text: 'a' }], isError: false },
        ...textBlock('One file.', 'b'),
      );
    const first = await server.post(PATH).send(hello).expect(200);
    expect(contentOf(first)).toBe('I look.\n\nBash(ls)\n\nOne file.');
    const messages = [user('hello'), completionOf(first).choices[0].message, user('and now?')];
    const next = await server.post(PATH).send({ model: MODEL, messages }).expect(200);
    expect(next.headers['x-chiron-history']).toBe('continued');
    expect(app.harness.runsOf('and now?')).toHaveLength(1);
    const edited = [user('hello'), assistant('Something else.'), user('and now?')];
    const other = await server.post(PATH).send({ model: MODEL, messages: edited }).expect(200);
    expect(other.headers['x-chiron-history']).toBe('seeded');
    expect(await app.count('threads')).toBe(2);
  });

  it('is that of the header, and of a user that is the key of a thread', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer('Yes.');
    await server.post(PATH).set('x-chiron-thread-key', 'test:a').send(say('one')).expect(200);
    const named = await server
      .post(PATH)
      .send({ ...say('two'), user: 'test:a' })
      .expect(200);
    expect(named.headers).toMatchObject({ 'x-chiron-thread-key': 'test:a', 'x-chiron-history': 'continued' });
    const header = await server
      .post(PATH)
      .set('x-chiron-thread-key', 'test:b')
      .send({ ...say('three'), user: 'test:a' })
      .expect(200);
    expect(header.headers['x-chiron-thread-key']).toBe('test:b');
  });

  it('is another for another user with the same conversation', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer('Yes.');
    const messages = [user('hello'), assistant('Yes.'), user('and now?')];
    for (const name of ['ann', 'bob']) {
      await server
        .post(PATH)
        .send({ ...hello, user: name })
        .expect(200);
    }
    const next = await server.post(PATH).send({ model: MODEL, messages, user: 'ann' }).expect(200);
    expect(next.headers['x-chiron-history']).toBe('continued');
    expect(app.harness.runs.map(({ thread }) => thread.id)).toEqual([
      app.harness.runs[0]?.thread.id,
      app.harness.runs[1]?.thread.id,
      app.harness.runs[0]?.thread.id,
    ]);
    expect(await app.count('threads')).toBe(2);
  });

  it('is the same as in the other APIs', async () => {
    const server = await start();
    const key = { 'x-chiron-thread-key': 'test:all' };
    await server
      .post(PATH)
      .set(key)
      .send({ model: 'demo', messages: [user('one')] })
      .expect(200);
    await server.post('/v1/responses').set(key).send({ model: 'demo', input: 'two' }).expect(200);
    await server
      .post('/v1/messages')
      .set(key)
      .send(ask('three', { model: 'demo' }))
      .expect(200);
    const last = await server
      .post(PATH)
      .set(key)
      .send({ model: 'demo', messages: [user('four')] })
      .expect(200);
    expect(contentOf(last)).toContain('This is turn 4 of this thread.');
  });

  it('has the instructions of its first request; later ones are reminders', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer('Yes.');
    const leading = [
      { role: 'system', content: 'Be brief.' },
      { role: 'developer', content: [{ type: 'text', text: 'Be kind.' }] },
    ];
    await server
      .post(PATH)
      .send({ model: MODEL, messages: [...leading, user('hello')] })
      .expect(200);
    expect(app.harness.opened[0]?.systemPrompt).toBe('Be brief.\n\nBe kind.');
    const messages = [...leading, user('hello'), assistant('Yes.'), { role: 'system', content: 'Now.' }, user('more')];
    await server.post(PATH).send({ model: MODEL, messages }).expect(200);
    const { prompt } = app.harness.runs[1]?.turn ?? {};
    expect(readPromptText(prompt ?? [])).toContain('<system-reminder>\nNow.\n</system-reminder>');
    expect(await app.count('threads')).toBe(1);
  });
});
