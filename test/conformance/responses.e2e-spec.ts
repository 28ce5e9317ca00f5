import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../src/domain/harness-event.js';
import { readPromptText } from '../../src/domain/prompt.js';
import type { ResponseEvent } from '../../src/responses/wire/response-event.js';
import type { ResponseObject } from '../../src/responses/wire/response-object.js';
import { outputTextOf, parseResponseEvents, ResponseReader } from '../support/response-stream.js';
import { modelCall, type ScriptedRun, textBlock } from '../support/scripted-harness.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const MODEL = 'claude-opus-5-5';
const TERMINAL = /^response\.(completed|incomplete|failed|cancelled)$/;

/** Everything that a turn can have: thinking, remarks, two tools side by side, an answer. */
const WORK: readonly HarnessEvent[] = [
  { type: 'thinking-delta', id: 'thought', text: 'Which files?' },
  { type: 'block-end', id: 'thought', signature: 'SIGNED' },
  ...textBlock('I look.', 'remark'),
  { type: 'tool-call', id: 'one', name: 'Bash', server: 'agent', input: { command: 'ls' } },
  { type: 'tool-call', id: 'two', name: 'Bash', server: 'agent', input: { command: 'false' } },
  { type: 'tool-result', id: 'two', content: [{ type: 'text', text: 'No.' }], isError: true },
  { type: 'tool-result', id: 'one', content: [{ type: 'text', text: 'a.txt' }], isError: false },
  ...textBlock('One file.', 'answer'),
];

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
  app.harness.onRun = play;
});
afterAll(() => app.close());

/** What the agent does, by its prompt; a prompt that waits is played by the test. */
function play(run: ScriptedRun): void {
  const text = readPromptText(run.turn.prompt);
  if (text.startsWith('work')) run.end(...modelCall(WORK));
  else if (text.startsWith('fail')) run.fail('internal', 'Broken.');
  else if (text.startsWith('vanish')) {
    run.say({ type: 'text-delta', id: 'a', text: 'I beg' });
    run.vanish();
  } else if (!text.startsWith('wait')) run.answer(`You said: ${text}`);
}

const server = () => supertest(app.url);

async function create(body: object, headers: Readonly<Record<string, string>> = {}): Promise<ResponseObject> {
  const answer = await server()
    .post('/v1/responses')
    .set(headers)
    .send({ model: MODEL, ...body })
    .expect(200);
  return answer.body as ResponseObject;
}

async function stream(input: string, more: object = {}): Promise<readonly ResponseEvent[]> {
  return (await ResponseReader.post(app.url, { model: MODEL, input, ...more }).done()).events;
}

function idOf(event: ResponseEvent | undefined): string | undefined {
  return event !== undefined && 'response' in event ? event.response.id : undefined;
}

describe('the id of a response', () => {
  it('R 1 is the same in the first event, the last one and what is retrieved, and can be continued', async () => {
    const events = await stream('one id');
    const id = idOf(events[0]) ?? '';
    expect(idOf(events.at(-1))).toBe(id);
    const read = await server().get(`/v1/responses/${id}`).expect(200);
    expect(read.body).toMatchObject({ id, status: 'completed' });
    expect(await create({ input: 'next', previous_response_id: id })).toMatchObject({ previous_response_id: id });
  });

  it('R 2 is valid as soon as the first event is sent', async () => {
    const reader = ResponseReader.post(app.url, { model: MODEL, input: 'wait for id' });
    await reader.sees('response.in_progress');
    const { body } = await server()
      .get(`/v1/responses/${idOf(reader.events[0])}`)
      .expect(200);
    expect((body as ResponseObject).status).toMatch(/^(queued|in_progress)$/);
    (await app.harness.run('wait for id')).answer('Done.');
    await reader.done();
  });

  it('R 3 that nobody has is a 404 with a text that says so, also where it is to be continued', async () => {
    await server().get('/v1/responses/resp_none').expect(404);
    const answer = await server()
      .post('/v1/responses')
      .send({ model: MODEL, input: 'x', previous_response_id: 'resp_none' })
      .expect(404);
    expect(answer.body).toMatchObject({
      error: { code: 'previous_response_not_found', message: expect.stringContaining('resp_none') as string },
    });
  });
});

describe('the events of a stream', () => {
  it('R 4 have numbers without a gap, which are the same for each reader', async () => {
    const events = await stream('work: numbers');
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, place) => place));
    const { text } = await server()
      .get(`/v1/responses/${idOf(events[0])}?stream=true`)
      .expect(200);
    expect(parseResponseEvents(text)).toEqual(events);
  });

  it('R 5 after a number are a stream, too, from the next one on', async () => {
    const events = await stream('work: again');
    const path = `/v1/responses/${idOf(events[0])}?stream=true&starting_after=5`;
    const { text } = await server()
      .get(path)
      .expect('content-type', /^text\/event-stream/);
    expect(parseResponseEvents(text)).toEqual(events.slice(6));
  });

  it.each(['work: last', 'fail: last', 'vanish: last'])(
    'R 6 have exactly one that is terminal, the last one, and no mark after it (%s)',
    async (input) => {
      const reader = await ResponseReader.post(app.url, { model: MODEL, input }).done();
      const types = reader.events.map(({ type }) => type);
      expect(types.filter((type) => TERMINAL.test(type))).toEqual([types.at(-1)]);
      expect(reader.text).not.toContain('[DONE]');
    },
  );

  it('R 7 have each item before its deltas, and its end before that of the response', async () => {
    const open = new Set<number>();
    for (const event of await stream('work: order')) {
      if (event.type === 'response.output_item.added') open.add(event.output_index);
      else if (event.type === 'response.output_item.done') expect(open.delete(event.output_index)).toBe(true);
      else if ('output_index' in event) expect(open).toContain(event.output_index);
      else expect(open.size).toBe(0);
    }
  });

  it('R 8 tell of a failure in a stream of status 200, and never of success where the agent stopped short', async () => {
    for (const input of ['fail: told', 'vanish: told']) {
      const reader = await ResponseReader.post(app.url, { model: MODEL, input }).done();
      expect(reader.status).toBe(200);
      expect(reader.response).toMatchObject({ status: 'failed', error: { code: 'server_error' } });
    }
  });
});

describe('the output of a response', () => {
  it('R 9 has no item that a client would run for what the agent ran, and no type that the API has not', async () => {
    const { output } = await create({ input: 'work: types' });
    expect(output.map(({ type }) => type)).toEqual(['reasoning', 'message', 'mcp_call', 'mcp_call', 'message']);
    expect(output.filter((item) => item.type === 'mcp_call')).toMatchObject([
      { server_label: 'agent', name: 'Bash', arguments: '{"command":"ls"}', output: 'a.txt', error: null },
      { status: 'failed', output: null, error: 'No.' },
    ]);
  });

  it('R 10 has all fields that the clients’ types require', async () => {
    const { output, usage } = await create({ input: 'work: fields' });
    expect(output[1]).toMatchObject({ content: [{ type: 'output_text', text: 'I look.', annotations: [] }] });
    expect(usage).toEqual({
      input_tokens: 119,
      input_tokens_details: { cached_tokens: expect.any(Number) as number },
      output_tokens: 5,
      output_tokens_details: { reasoning_tokens: expect.any(Number) as number },
      total_tokens: 124,
    });
  });

  it('R 11 tells remarks from the answer', async () => {
    const { output } = await create({ input: 'work: phases' });
    expect(output.flatMap((item) => (item.type === 'message' ? [item.phase] : []))).toEqual([
      'commentary',
      'final_answer',
    ]);
  });

  it('R 12 has no signature of a model’s provider, and opaque reasoning only where it is asked for', async () => {
    const [plain] = (await create({ input: 'work: plain' })).output;
    expect(plain).not.toHaveProperty('encrypted_content');
    const asked = await create({ input: 'work: asked', include: ['reasoning.encrypted_content'] });
    expect(asked.output[0]).toHaveProperty('encrypted_content');
    expect(JSON.stringify([plain, asked])).not.toContain('SIGNED');
  });
});

describe('a request', () => {
  it('R 13 with tools, items and fields that are not known is not refused', async () => {
    const tools = [{ type: 'namespace', name: 'n' }, { type: 'web_search' }, { type: 'custom', name: 'c' }];
    const input = [
      { type: 'reasoning', summary: [] },
      { type: 'something_new', id: 'x' },
      { role: 'user', content: 'unknown things' },
    ];
    expect((await create({ input, tools, new_field: { a: 1 }, temperature: 0.1 })).status).toBe('completed');
  });

  it('R 14 with store: false can be continued, as every turn is stored', async () => {
    const { id } = await create({ input: 'not stored', store: false });
    expect(outputTextOf(await create({ input: 'but here', previous_response_id: id }))).toBe('You said: but here');
  });

  it('R 15 that is sent twice while its turn runs starts one turn', async () => {
    const before = await app.count('turns');
    const readers = [1, 2].map(() => ResponseReader.post(app.url, { model: MODEL, input: 'wait twice' }));
    await Promise.all(readers.map((reader) => reader.sees('response.in_progress')));
    (await app.harness.run('wait twice')).answer('Once.');
    await Promise.all(readers.map((reader) => reader.done()));
    expect(readers.map(({ response }) => outputTextOf(response))).toEqual(['Once.', 'Once.']);
    expect(await app.count('turns')).toBe(before + 1);
  });

  it('R 16 in the background is answered at once, and its turn can be cancelled', async () => {
    const begun = await create({ input: 'wait in the background', background: true });
    expect(begun.status).toMatch(/^(queued|in_progress)$/);
    const run = await app.harness.run('wait in the background');
    const { body } = await server().post(`/v1/responses/${begun.id}/cancel`).expect(200);
    expect((body as ResponseObject).status).toBe('cancelled');
    expect(run.interrupted).toBe(true);
  });

  it('R 17 of Codex for what is refused gets no status from 500 on', async () => {
    const codex = { 'user-agent': 'codex_cli_rs/0.169.0', originator: 'codex_cli_rs' };
    const reader = await ResponseReader.post(app.url, { model: 'codex/none', input: 'x' }, codex).done();
    expect(reader.status).toBe(200);
    expect(reader.text).toContain('event: response.failed');
  });

  it('R 18 for a WebSocket gets 426, and what has no route the API’s form of an error', async () => {
    const { headers } = await server().get('/v1/responses').set('upgrade', 'websocket').expect(426);
    expect(headers['connection']).toBe('close');
    const { body } = await server().put('/v1/responses').expect(405);
    expect(body).toEqual({
      error: { message: expect.any(String) as string, type: 'invalid_request_error', param: null, code: null },
    });
  });
});
