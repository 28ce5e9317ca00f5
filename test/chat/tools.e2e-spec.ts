import supertest from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { textBlock } from '../support/scripted-harness.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { completionOf, contentOf, hello, MODEL, PATH, say, user } from './support/completions.js';

let app: TestApp;
afterEach(() => app.close());

async function start() {
  app = await startTestApp();
  return supertest(app.url);
}

describe('tools of the caller', () => {
  const tools = [
    { type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} } } },
    { type: 'custom', custom: { name: 'other' } },
  ];

  it('are called by the agent, several at once, which goes on with their results', async () => {
    const server = await start();
    const asking = server.post(PATH).send({ ...hello, tools });
    const [first] = await Promise.all([
      asking,
      app.harness.run('hello').then((run) => {
        expect(run.turn.callerTools).toMatchObject({ tools: [{ name: 'weather' }], allowsParallelCalls: true });
        run.finish([
          { type: 'caller-tool-call', id: 'call_1', name: 'weather', input: { city: 'Paris' } },
          { type: 'caller-tool-call', id: 'call_2', name: 'weather', input: { city: 'Rome' } },
          { type: 'turn-end', reason: 'tool_use' },
        ]);
      }),
    ]);
    const { message, finish_reason: reason } = completionOf(first).choices[0];
    expect(reason).toBe('tool_calls');
    expect(message).toMatchObject({
      content: null,
      tool_calls: [
        { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } },
        { id: 'call_2', function: { arguments: '{"city":"Rome"}' } },
      ],
    });
    app.harness.onRun = (run) => run.answer('It rains.');
    const goOn = (...ids: readonly string[]) => {
      const results = ids.map((id) => ({ role: 'tool', tool_call_id: id, content: `rain ${id}` }));
      return server.post(PATH).send({ model: MODEL, tools, messages: [user('hello'), message, ...results] });
    };
    const wrong = await goOn('call_1').expect(400);
    expect(wrong.body).toMatchObject({
      error: { message: expect.stringContaining('call_2') as string, param: 'messages' },
    });
    expect(contentOf(await goOn('call_1', 'call_2').expect(200))).toBe('It rains.');
    expect(app.harness.runs.at(-1)?.turn.toolResults).toMatchObject([
      { callId: 'call_1', content: [{ type: 'text', text: 'rain call_1' }] },
      { callId: 'call_2' },
    ]);
    expect(await app.count('threads')).toBe(1);
  });

  it('are not offered where tool_choice is none, and the answer is a call where it requires one', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer(run.turn.outputSchema === undefined ? 'Hello.' : '{}');
    await server
      .post(PATH)
      .send({ ...hello, tools, tool_choice: 'none' })
      .expect(200);
    expect(app.harness.runs[0]?.turn.callerTools).toBeUndefined();
    const choice = { type: 'function', function: { name: 'weather' } };
    const answer = await server
      .post(PATH)
      .send({ ...say('again'), tools, tool_choice: choice })
      .expect(200);
    expect(completionOf(answer).choices[0]).toMatchObject({
      message: { content: null, tool_calls: [{ function: { name: 'weather', arguments: '{}' } }] },
      finish_reason: 'tool_calls',
    });
    expect(app.harness.runs[1]?.turn.outputSchema).toEqual({ type: 'object', properties: {} });
  });
});

describe('the agent’s tools', () => {
  it.each([
    ['text', 'Bash(ls)\n\nDone.'],
    ['mcp', 'Bash(ls)\n\nDone.'],
    ['none', 'Done.'],
  ])('with the setting %s are shown as %j', async (form, content) => {
    const server = await start();
    app.harness.onRun = (run) =>
      run.end(
        { type: 'tool-call', id: 't', name: 'Bash', server: 'agent', input: { command: 'ls' } },
        ...textBlock('Done.'),
      );
    expect(contentOf(await server.post(PATH).set('x-chiron-tool-blocks', form).send(hello).expect(200))).toBe(content);
    await server.post(PATH).set('x-chiron-tool-blocks', 'neon').send(hello).expect(400);
  });
});
