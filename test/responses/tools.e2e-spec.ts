import supertest from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { outputTextOf } from '../support/response-stream.js';
import { textBlock } from '../support/scripted-harness.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { hello, MODEL, responseOf } from './support/responses.js';

let app: TestApp;
afterEach(() => app.close());

async function start() {
  app = await startTestApp();
  return supertest(app.url);
}

describe('tools of the caller', () => {
  const tools = [
    { type: 'function', name: 'weather', parameters: { type: 'object', properties: {} } },
    { type: 'web_search' },
  ];

  it('are called by the agent, which goes on with their outputs', async () => {
    const server = await start();
    const asking = server.post('/v1/responses').send({ ...hello, tools });
    const [first] = await Promise.all([
      asking,
      app.harness.run('hello').then((run) => {
        expect(run.turn.callerTools?.tools.map(({ name }) => name)).toEqual(['weather']);
        run.finish([
          { type: 'caller-tool-call', id: 'call_1', name: 'weather', input: { city: 'Paris' } },
          { type: 'turn-end', reason: 'tool_use' },
        ]);
      }),
    ]);
    const { id, output } = responseOf(first);
    expect(output).toMatchObject([
      { type: 'function_call', call_id: 'call_1', name: 'weather', arguments: '{"city":"Paris"}' },
    ]);
    app.harness.onRun = (run) => run.answer('It rains.');
    const wrong = await server
      .post('/v1/responses')
      .send({
        model: MODEL,
        tools,
        previous_response_id: id,
        input: [{ type: 'function_call_output', call_id: 'call_9', output: 'x' }],
      })
      .expect(400);
    expect(wrong.body).toMatchObject({
      error: { message: expect.stringContaining('call_9') as string, param: 'input' },
    });
    const next = await server
      .post('/v1/responses')
      .send({
        model: MODEL,
        tools,
        previous_response_id: id,
        input: [{ type: 'function_call_output', call_id: 'call_1', output: 'rain' }],
      })
      .expect(200);
    expect(outputTextOf(responseOf(next))).toBe('It rains.');
    const turn = app.harness.runs.at(-1)?.turn;
    expect(turn?.toolResults).toMatchObject([{ callId: 'call_1', content: [{ type: 'text', text: 'rain' }] }]);
  });

  it('are not offered where tool_choice is none, and the response is a call where it requires one', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer(run.turn.outputSchema === undefined ? 'Hello.' : '{}');
    await server
      .post('/v1/responses')
      .send({ ...hello, tools, tool_choice: 'none' })
      .expect(200);
    expect(app.harness.runs[0]?.turn.callerTools).toBeUndefined();
    const answer = await server
      .post('/v1/responses')
      .send({ ...hello, input: 'again', tools, tool_choice: { type: 'function', name: 'weather' } })
      .expect(200);
    expect(responseOf(answer).output).toMatchObject([{ type: 'function_call', name: 'weather', arguments: '{}' }]);
  });
});

describe('the agent’s tools', () => {
  it('are items that no client runs, or lines of text where the caller wants them', async () => {
    const server = await start();
    app.harness.onRun = (run) =>
      run.end(
        { type: 'tool-call', id: 't', name: 'Bash', server: 'agent', input: { command: 'ls' } },
        ...textBlock('Done.'),
      );
    const items = responseOf(await server.post('/v1/responses').send(hello).expect(200)).output;
    expect(items.map(({ type }) => type)).toEqual(['mcp_call', 'message']);
    const lines = await server
      .post('/v1/responses')
      .set('x-chiron-tool-blocks', 'text')
      .send({ ...hello, input: 'two' })
      .expect(200);
    expect(outputTextOf(responseOf(lines))).toBe('Bash(ls)Done.');
    const none = await server
      .post('/v1/responses')
      .set('x-chiron-tool-blocks', 'none')
      .send({ ...hello, input: 'three' })
      .expect(200);
    expect(responseOf(none).output).toHaveLength(1);
    await server.post('/v1/responses').set('x-chiron-tool-blocks', 'neon').send(hello).expect(400);
  });
});
