// Long because every form of a request and an answer is tried here.
import supertest, { type Response } from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../src/domain/harness-event.js';
import { readPromptText } from '../../src/domain/prompt.js';
import { collect } from '../../src/translator/collect.js';
import { ask, converse, thread } from '../support/requests.js';
import { CALL_USAGE, modelCall, textBlock } from '../support/scripted-harness.js';
import { SseClient } from '../support/sse-client.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const WORK: readonly HarnessEvent[] = [
  { type: 'thinking-delta', id: 'thought', text: 'Which files?' },
  { type: 'block-end', id: 'thought', signature: 'SIGNED' },
  { type: 'tool-call', id: 'toolu_1', name: 'Bash', server: 'agent', input: { command: 'ls' } },
  { type: 'tool-result', id: 'toolu_1', content: [{ type: 'text', text: '0123456789' }], isError: false },
  ...textBlock('Done.', 'done'),
];
const SCHEMA = { type: 'object', properties: { count: { type: 'integer' } }, required: ['count'] };
const AS_JSON = { output_config: { format: { type: 'json_schema', schema: SCHEMA } } };

interface Answer {
  readonly id: string;
  readonly content: readonly { readonly type: string; readonly text?: string }[];
}

/** The content of a streamed answer, whose grammar is checked. */
async function streamedFrom(url: string, body: object, headers: Readonly<Record<string, string>> = {}) {
  const client = await SseClient.post(url, { ...body, stream: true }, headers).done();
  const collected = collect(client.events);
  if (!('message' in collected)) throw new Error('the stream has no message');
  return collected.message.content;
}

const answerOf = (response: Response): Answer => response.body as Answer;
const typesOf = (response: Response): readonly string[] => answerOf(response).content.map(({ type }) => type);

describe('an answer', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp({ toolBlocks: 'server', toolOutputLimit: 4, unknownModels: 'refuse' });
    app.harness.onRun = (run) => run.end(...modelCall(WORK));
  });

  afterAll(() => app.close());

  const post = (body: object, headers: Readonly<Record<string, string>> = {}) =>
    supertest(app.url).post('/v1/messages').set(headers).send(body);
  const streamed = (body: object, headers: Readonly<Record<string, string>>) => streamedFrom(app.url, body, headers);
  const inForm = (form: string) => ({ 'x-chiron-tool-blocks': form });

  it('shows tools in the deployment’s form, and long outputs cut with a note', async () => {
    const response = await post(ask('the default form')).expect(200);
    expect(typesOf(response)).toEqual(['thinking', 'server_tool_use', 'bash_code_execution_tool_result', 'text']);
    expect(response.text).toContain('0123… [6 more characters]');
  });

  it.each([
    ['mcp', ['thinking', 'mcp_tool_use', 'mcp_tool_result', 'text']],
    ['text', ['thinking', 'text', 'text']],
    ['auto', ['thinking', 'mcp_tool_use', 'mcp_tool_result', 'text']],
    ['none', ['thinking', 'text']],
  ])('shows them in the form that its request asks for: %s', async (form, types) => {
    expect((await streamed(ask(`streamed as ${form}`), inForm(form))).map(({ type }) => type)).toEqual(types);
    expect(typesOf(await post(ask(`whole as ${form}`), inForm(form)).expect(200))).toEqual(types);
  });

  it('is of the same turn in every form', async () => {
    const body = { ...converse(['hi', 'hello', 'one turn, two forms']) };
    const one = await post(body, { ...thread('forms'), ...inForm('mcp') }).expect(200);
    const other = await post(body, { ...thread('forms'), ...inForm('none') }).expect(200);
    expect(answerOf(other).id).toBe(answerOf(one).id);
    expect(typesOf(other)).not.toEqual(typesOf(one));
    expect(app.harness.runsOf('one turn, two forms')).toHaveLength(1);
  });

  it('refuses a form that does not exist, and starts nothing', async () => {
    const response = await post(ask('no such form'), inForm('html')).expect(400);
    expect(response.text).toContain('x-chiron-tool-blocks: must be one of mcp, server, text, none');
    expect(app.harness.runsOf('no such form')).toEqual([]);
  });

  it('shows of thinking what its request asks for', async () => {
    const omitted = await post(ask('omitted', { thinking: { type: 'adaptive', display: 'omitted' } })).expect(200);
    expect(answerOf(omitted).content[0]).toEqual({ type: 'thinking', thinking: '', signature: 'SIGNED' });
    const off = await post(ask('off', { thinking: { type: 'disabled' } })).expect(200);
    expect(typesOf(off)).not.toContain('thinking');
    const updates = await post(ask('updates', { thinking: { type: 'adaptive', display: 'updates' } })).expect(200);
    expect(answerOf(updates).content[0]).toMatchObject({ thinking: 'Which files?' });
  });

  it('is refused for a model that nothing here knows, when the deployment wants so', async () => {
    const response = await post(ask('hi', { model: 'gpt-unknown' })).expect(404);
    expect(response.body).toMatchObject({
      error: { type: 'not_found_error', message: expect.stringContaining('model: gpt-unknown') as string },
    });
    expect(response.headers['x-should-retry']).toBe('false');
    await post(ask('hi', { model: 'demo' })).expect(200);
  });

  it('is also found under /v1/v1, where clients look whose base URL ends in /v1', async () => {
    const response = await supertest(app.url).post('/v1/v1/messages?beta=true').send(ask('doubled')).expect(200);
    expect(response.text).toContain('Done.');
    await supertest(app.url)
      .get('/v1/v1/models')
      .expect(200, /claude|demo/);
    await supertest(app.url).get('/v1/v1').expect(404);
  });
});

describe('an answer with stop sequences', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
  });

  afterAll(() => app.close());

  it.each([false, true])('ends at the first of them, and the agent is interrupted (stream: %s)', async (stream) => {
    const prompt = `count, stream: ${stream}`;
    const body = ask(prompt, { stop_sequences: ['THREE', 'TWO'], stream });
    const asked = fetch(`${app.url}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const run = await app.harness.run(prompt);
    run.say({ type: 'model-call-start', model: 'm', usage: CALL_USAGE });
    run.say({ type: 'text-delta', id: 'a', text: 'ONE T' }, { type: 'text-delta', id: 'a', text: 'WO THREE' });
    const text = await (await asked).text();
    expect(run.interrupted).toBe(true);
    expect(text).toContain('"stop_reason":"stop_sequence","stop_sequence":"TWO"');
    expect(text).toContain('ONE ');
    expect(text).not.toContain('THREE');
  });

  it.each([
    ['a text without anything', { stop_sequences: [' '] }],
    ['something that is no text', { stop_sequences: [1] }],
    ['no list', { stop_sequences: 'x' }],
    ['too many', { stop_sequences: Array.from({ length: 65 }, (_, index) => `${index}`) }],
  ])('is refused for %s', async (_, more) => {
    const response = await supertest(app.url).post('/v1/messages').send(ask('refused', more)).expect(400);
    expect(response.text).toContain('stop_sequences');
    expect(app.harness.runsOf('refused')).toEqual([]);
  });
});

describe('an answer that is to follow a schema', () => {
  let app: TestApp;
  const answers = new Map([
    ['good', '{"count": 3}'],
    ['bad', '{"count": "three"}'],
  ]);

  beforeAll(async () => {
    app = await startTestApp();
    app.harness.onRun = (run) => {
      const answer = answers.get(readPromptText(run.turn.prompt).split(' ')[0] ?? '') ?? '{"count": 0}';
      run.end(
        ...modelCall([...textBlock('Let me count.', 'remark'), ...WORK.slice(2, 4), ...textBlock(answer, 'json')]),
      );
    };
  });

  afterAll(() => app.close());

  const post = (body: object) => supertest(app.url).post('/v1/messages').send(body);
  const streamed = (body: object) => streamedFrom(app.url, body);

  it.each([
    ['output_config.format', AS_JSON],
    ['output_format, its older name', { output_format: AS_JSON.output_config.format }],
  ])('is one text block of JSON, by %s', async (name, more) => {
    const response = await post(ask(`good ${name}`, more)).expect(200);
    expect(answerOf(response).content.filter(({ type }) => type === 'text')).toMatchObject([{ text: '{"count": 3}' }]);
    expect(app.harness.runsOf(`good ${name}`)[0]?.turn.outputSchema).toEqual(SCHEMA);
  });

  it('is streamed in the same way', async () => {
    const texts = (await streamed(ask('good stream', AS_JSON))).filter(({ type }) => type === 'text');
    expect(texts).toMatchObject([{ text: '{"count": 3}' }]);
  });

  const tool = { name: 'count', input_schema: SCHEMA };

  it.each([
    [
      'the tool that its caller forces',
      { tools: [{ name: 'other', input_schema: SCHEMA }, tool], tool_choice: { type: 'tool', name: 'count' } },
    ],
    ['the only tool, where any is forced', { tools: [tool], tool_choice: { type: 'any' } }],
  ])('is a call of %s', async (name, more) => {
    const response = await post(ask(`good ${name}`, more)).expect(200);
    const { content, stop_reason } = response.body as Answer & { readonly stop_reason: string };
    expect(content.at(-1)).toMatchObject({ type: 'tool_use', name: 'count', input: { count: 3 } });
    expect(content.filter(({ type }) => type === 'text')).toEqual([]);
    expect(stop_reason).toBe('tool_use');
    expect((await streamed(ask(`good ${name}, streamed`, more))).at(-1)).toMatchObject({
      name: 'count',
      input: { count: 3 },
    });
  });

  it.each([
    ['the choice is the agent’s', { tools: [tool], tool_choice: { type: 'auto' } }],
    ['none may be called', { tools: [tool], tool_choice: { type: 'none' } }],
  ])('is free text where %s', async (name, more) => {
    const response = await post(ask(`good ${name}`, more)).expect(200);
    expect(JSON.stringify(answerOf(response).content)).not.toContain('"tool_use"');
    expect(app.harness.runsOf(`good ${name}`)[0]?.turn.outputSchema).toBeUndefined();
  });

  it.each([
    [
      { tools: [{ type: 'web_search', name: 'web' }], tool_choice: { type: 'tool', name: 'web' } },
      /with an input_schema/,
    ],
    [{ tools: [tool], tool_choice: { type: 'tool', name: 'gone' } }, /'gone' not found in provided tools/],
    [{ tools: [{ ...tool, input_schema: { $ref: '#/nowhere' } }], tool_choice: { type: 'any' } }, /unresolvable \$ref/],
  ])('cannot be a call of a tool that is not there: %j', async (more, problem) => {
    const { body } = await post(ask('not forced', more)).expect(400);
    expect((body as { readonly error: { readonly message: string } }).error.message).toMatch(problem);
  });

  it('is an error when it does not', async () => {
    const response = await post(ask('bad', AS_JSON)).expect(500);
    expect(response.body).toMatchObject({
      error: { type: 'api_error', message: expect.stringContaining('does not follow the schema') as string },
    });
    expect(response.text).not.toContain('three');
  });

  it('is another than the one in free text to the same words', async () => {
    const free = await post(ask('good twice')).expect(200);
    const asJson = await post(ask('good twice', AS_JSON)).expect(200);
    expect(answerOf(free).id).not.toBe(answerOf(asJson).id);
  });

  it.each([
    ['output_config.format.type', { output_config: { format: { type: 'text' } } }],
    ['output_config.format.schema', { output_config: { format: { type: 'json_schema', schema: 'x' } } }],
    [
      'output_config.format.schema',
      { output_config: { format: { type: 'json_schema', schema: { $ref: '#/$defs/none' } } } },
    ],
    ['output_format.type', { output_format: { schema: {} } }],
  ])('is refused when %s is not one, and nothing is started', async (field, more) => {
    const response = await post(ask('malformed', more)).expect(400);
    expect(response.text).toContain(field);
    expect(app.harness.runsOf('malformed')).toEqual([]);
  });
});
