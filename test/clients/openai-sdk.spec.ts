import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type RunningServer } from '../support/running-server.js';
import { all } from './support/all.js';
import { removeFolders } from './support/folders.js';
import { failureOf, recordingFetch } from './support/sdk.js';
import { PIXEL } from './support/samples.js';
import { loadOpenAi, OPENAI_SDKS, type OpenAiClient } from './support/openai-sdk.js';
import { isRecord, recordsOf } from './support/json.js';

const KEY = 'a-key-of-the-tests-that-is-long-enough';
const MODEL = 'demo';

describe.each(OPENAI_SDKS)('openai $version', ({ packageName }) => {
  let server: RunningServer;
  let client: OpenAiClient;

  beforeAll(async () => {
    server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo', CHIRON_API_KEYS: `tests:${KEY}` });
    client = await newClient();
  });
  afterAll(async () => {
    await server.stop();
    await removeFolders();
  });

  const newClient = async (more: object = {}): Promise<OpenAiClient> => {
    const { OpenAI } = await loadOpenAi(packageName);
    return new OpenAI({ baseURL: `${server.url}/v1`, apiKey: KEY, ...more });
  };

  const countThreads = async (): Promise<number> => {
    const answer = await fetch(`${server.url}/api/sessions?limit=100`, { headers: { 'x-api-key': KEY } });
    const body: unknown = await answer.json();
    return isRecord(body) ? recordsOf(body['sessions']).length : 0;
  };

  it('gets a response, with its text and its usage', async () => {
    const response = await client.responses.create({ model: MODEL, input: 'Hello there' });
    expect(response.output_text).toContain('You said: Hello there');
    expect(response).toMatchObject({
      status: 'completed',
      usage: { input_tokens: 3, output_tokens: 1, total_tokens: 4 },
    });
    expect(response._request_id).toMatch(/^req_/);
  });

  it('gets the events of a response when it streams', async () => {
    const events = await all(await client.responses.create({ model: MODEL, input: '/stream 5 5 1', stream: true }));
    expect(events[0]?.type).toBe('response.created');
    expect(events.at(-1)?.type).toBe('response.completed');
    const deltas = events.flatMap((event) => (event.type === 'response.output_text.delta' ? [event.delta] : []));
    expect(deltas.join('')).toBe('word0 word1 word2 word3 word4 ');
  });

  it('gets the whole response from responses.stream(), also with tools and thinking', async () => {
    const stream = client.responses.stream({ model: MODEL, input: '!echo from the inside' });
    const response = await stream.finalResponse();
    expect(response.output).toMatchObject([
      { type: 'mcp_call', name: 'shell', output: 'from the inside', error: null },
      { type: 'message', content: [{ text: 'The command worked.' }] },
    ]);
    const thinking = await client.responses.stream({ model: MODEL, input: 'Please think.' }).finalResponse();
    expect(thinking.output.map(({ type }) => type)).toEqual(['reasoning', 'message']);
  });

  it('goes on with previous_response_id, with a conversation, and with the whole input', async () => {
    const first = await client.responses.create({ model: MODEL, input: 'one' });
    const second = await client.responses.create({ model: MODEL, input: 'two', previous_response_id: first.id });
    expect(second.output_text).toContain('This is turn 2 of this thread.');
    const named = { model: MODEL, conversation: `conv_${packageName}` };
    await client.responses.create({ ...named, input: 'one' });
    expect((await client.responses.create({ ...named, input: 'two' })).output_text).toContain('This is turn 2');
    const begun = await client.responses.create({ model: MODEL, input: [{ role: 'user', content: 'a start' }] });
    const input = [
      { role: 'user' as const, content: 'a start' },
      ...begun.output.filter((item) => item.type === 'message'),
      { role: 'user' as const, content: 'an end' },
    ];
    expect((await client.responses.create({ model: MODEL, input })).output_text).toContain('This is turn 2');
  });

  it('runs a response in the background, streams it on after an event, and cancels it', async () => {
    const begun = await client.responses.create({ model: MODEL, input: '/stream 20 50 1', background: true });
    expect(['queued', 'in_progress']).toContain(begun.status);
    const stream = await client.responses.retrieve(begun.id, { stream: true, starting_after: 4 });
    const events = await all(stream);
    expect(events[0]?.sequence_number).toBe(5);
    expect(events.at(-1)?.type).toBe('response.completed');
    const slow = await client.responses.create({ model: MODEL, input: '/sleep 60', background: true });
    expect((await client.responses.cancel(slow.id)).status).toBe('cancelled');
    expect((await client.responses.retrieve(slow.id)).status).toBe('cancelled');
  });

  it('resumes responses.stream() by the id of the response', async () => {
    const begun = await client.responses.create({ model: MODEL, input: '/stream 10 50 1', background: true });
    const response = await client.responses.stream({ response_id: begun.id, starting_after: 3 }).finalResponse();
    const [message] = response.output;
    expect(message).toMatchObject({ type: 'message' });
    const text =
      message?.type === 'message' && message.content[0]?.type === 'output_text' ? message.content[0].text : '';
    expect(text).toBe(Array.from({ length: 10 }, (_, index) => `word${index} `).join(''));
  });

  it('lists what a response answers, and deletes it', async () => {
    const content = [
      { type: 'input_text' as const, text: 'Look.' },
      { type: 'input_image' as const, detail: 'auto' as const, image_url: `data:image/png;base64,${PIXEL}` },
    ];
    const { id } = await client.responses.create({ model: MODEL, input: [{ role: 'user', content }] });
    const items = await all(client.responses.inputItems.list(id));
    expect(items).toMatchObject([{ type: 'message', content: [{ text: 'Look.' }, { type: 'input_image' }] }]);
    await client.responses.delete(id);
    expect(await failureOf(client.responses.retrieve(id))).toMatchObject({ status: 404, code: 'response_not_found' });
  });

  it('finds its turn with its own retries', async () => {
    const { requests, fetch } = recordingFetch();
    const impatient = await newClient({ timeout: 1000, maxRetries: 8, fetch });
    const before = await countThreads();
    const input = `/sleep 2.${packageName.length}`;
    const response = await impatient.responses.create({ model: MODEL, input });
    expect(response.output_text).toContain('Slept');
    expect(requests.length).toBeGreaterThan(1);
    expect(await countThreads()).toBe(before + 1);
  });

  it('throws errors by their kinds', async () => {
    const once = await newClient({ maxRetries: 0 });
    const failure = async (input: string) => failureOf(once.responses.create({ model: MODEL, input }));
    expect(await failure('/fail rate_limit')).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
    expect(await failure('/fail context_too_long')).toMatchObject({ status: 400, code: 'context_length_exceeded' });
    expect(await failure('/fail internal')).toMatchObject({ status: 500, code: 'server_error' });
    const wrongKey = await newClient({ apiKey: 'wrong' });
    expect(await failureOf(wrongKey.responses.create({ model: MODEL, input: 'x' }))).toMatchObject({
      status: 401,
      code: 'invalid_api_key',
    });
  });

  it('calls its own function for the agent', async () => {
    const tools = [
      { type: 'function' as const, name: 'weather', strict: false, parameters: { type: 'object', properties: {} } },
    ];
    const first = await client.responses.create({ model: MODEL, input: '/call weather {"city":"Paris"}', tools });
    const [call] = first.output;
    if (call?.type !== 'function_call') throw new Error('no call');
    expect(JSON.parse(call.arguments)).toEqual({ city: 'Paris' });
    const output = { type: 'function_call_output' as const, call_id: call.call_id, output: 'It rains.' };
    const last = await client.responses.create({
      model: MODEL,
      input: [output],
      previous_response_id: first.id,
      tools,
    });
    expect(last.output_text).toContain('It rains.');
  });

  it('lists the models', async () => {
    const models = await all(client.models.list());
    expect(models.map(({ id }) => id)).toContain('demo');
  });
});
