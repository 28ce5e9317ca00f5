// Over 250 lines: what each SDK for Chat Completions does with one server.
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { HumanMessage, SystemMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
import { Agent, OpenAIChatCompletionsModel, run, setTracingDisabled, tool as agentTool } from '@openai/agents';
import { generateText, isStepCount, Output, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startServer, type RunningServer } from '../support/running-server.js';
import { all } from './support/all.js';
import { removeFolders } from './support/folders.js';
import { isRecord, recordsOf } from './support/json.js';
import { loadOpenAi, OPENAI_SDKS, type OpenAiClient } from './support/openai-sdk.js';
import { PIXEL } from './support/samples.js';
import { failureOf, recordingFetch } from './support/sdk.js';

const KEY = 'a-key-of-the-tests-that-is-long-enough';
const MODEL = 'demo';
const WORDS = 'word0 word1 word2 word3 word4 ';
const SHOUT = '/call weather {"city":"Paris"}';

let server: RunningServer;

beforeAll(async () => {
  server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo', CHIRON_API_KEYS: `tests:${KEY}` });
});
afterAll(async () => {
  await server.stop();
  await removeFolders();
});

const user = (content: string) => ({ role: 'user' as const, content });
const inputSchema = z.object({ city: z.string() });
const execute = ({ city }: { readonly city: string }) => `It rains in ${city}.`;

async function countTurns(): Promise<number> {
  const answer = await fetch(`${server.url}/api/sessions?limit=100`, { headers: { 'x-api-key': KEY } });
  const body: unknown = await answer.json();
  return isRecord(body) ? recordsOf(body['sessions']).length : 0;
}

describe.each(OPENAI_SDKS)('chat.completions of openai $version', ({ packageName }) => {
  let client: OpenAiClient;
  beforeAll(async () => {
    client = await newClient();
  });

  const newClient = async (more: object = {}): Promise<OpenAiClient> => {
    const sdk = await loadOpenAi(packageName);
    return new sdk.OpenAI({ baseURL: `${server.url}/v1`, apiKey: KEY, ...more });
  };

  it('gets a completion, with its text and its usage', async () => {
    const completion = await client.chat.completions.create({ model: MODEL, messages: [user('Hello there')] });
    expect(completion.choices[0]).toMatchObject({
      message: { role: 'assistant', content: expect.stringContaining('You said: Hello there') as string },
      finish_reason: 'stop',
    });
    expect(completion.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 });
    expect(completion._request_id).toMatch(/^req_/);
  });

  it('gets the chunks of a completion when it streams, and the usage last', async () => {
    const chunks = await all(
      await client.chat.completions.create({
        model: MODEL,
        messages: [user('/stream 5 5 1')],
        stream: true,
        stream_options: { include_usage: true },
      }),
    );
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(WORDS);
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: expect.any(Number) as number } });
  });

  it('gets the whole completion from chat.completions.stream(), with a line for an inner tool', async () => {
    const stream = client.chat.completions.stream({ model: MODEL, messages: [user('!echo from the inside')] });
    const completion = await stream.finalChatCompletion();
    expect(completion.choices[0]?.message.content).toMatch(/^shell\(echo from the inside\)\n\nThe command worked\.$/);
  });

  it('goes on with the messages of a conversation, and with a named thread', async () => {
    const first = await client.chat.completions.create({ model: MODEL, messages: [user('!echo a start')] });
    const answer = first.choices[0]?.message;
    if (answer === undefined) throw new Error('no answer');
    const messages = [user('!echo a start'), answer, user('an end')];
    const next = await client.chat.completions.create({ model: MODEL, messages });
    expect(next.choices[0]?.message.content).toContain('This is turn 2 of this thread.');
    const headers = { 'x-chiron-thread-key': `test:${packageName}` };
    await client.chat.completions.create({ model: MODEL, messages: [user('one')] }, { headers });
    const named = await client.chat.completions.create({
      model: MODEL,
      messages: [user('two')],
      user: `test:${packageName}`,
    });
    expect(named.choices[0]?.message.content).toContain('This is turn 2 of this thread.');
  });

  it('runs its own functions for the agent with runTools()', async () => {
    const runner = client.chat.completions.runTools({
      model: MODEL,
      messages: [user(SHOUT)],
      tools: [
        {
          type: 'function',
          function: {
            name: 'weather',
            description: 'The weather',
            parameters: { type: 'object', properties: { city: { type: 'string' } } },
            parse: (json: string) => inputSchema.parse(JSON.parse(json)),
            function: execute,
          },
        },
      ],
    });
    expect(await runner.finalContent()).toContain('It rains in Paris.');
  });

  it('gets an answer that follows a schema from chat.completions.parse()', async () => {
    const schema = {
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
      additionalProperties: false,
    };
    const completion = await client.chat.completions.parse({
      model: MODEL,
      messages: [user('A city, please.')],
      response_format: { type: 'json_schema', json_schema: { name: 'place', schema, strict: true } },
    });
    expect(JSON.parse(completion.choices[0]?.message.content ?? '')).toEqual({ city: expect.any(String) as string });
  });

  it('sends an image with its words', async () => {
    const content = [
      { type: 'text' as const, text: 'Look.' },
      { type: 'image_url' as const, image_url: { url: `data:image/png;base64,${PIXEL}` } },
    ];
    const completion = await client.chat.completions.create({ model: MODEL, messages: [{ role: 'user', content }] });
    expect(completion.choices[0]?.message.content).toContain('You said: Look.');
  });

  it('finds its turn with its own retries of a completion', async () => {
    const { requests, fetch } = recordingFetch();
    const impatient = await newClient({ timeout: 1000, maxRetries: 8, fetch });
    const before = await countTurns();
    const messages = [user(`/sleep 2.${packageName.length}`)];
    const completion = await impatient.chat.completions.create({ model: MODEL, messages });
    expect(completion.choices[0]?.message.content).toContain('Slept');
    expect(requests.length).toBeGreaterThan(1);
    expect(await countTurns()).toBe(before + 1);
  });

  it('throws the errors of completions by their kinds, also in a stream', async () => {
    const { requests, fetch } = recordingFetch();
    const patient = await newClient({ fetch });
    const failure = async (text: string, stream = false) =>
      failureOf(
        (async () => {
          const params = { model: MODEL, messages: [user(text)] };
          if (stream) await all(await patient.chat.completions.create({ ...params, stream: true }));
          else await patient.chat.completions.create(params);
        })(),
      );
    expect(await failure('/fail context_too_long')).toMatchObject({ status: 400, code: 'context_length_exceeded' });
    expect(await failure('/fail authentication', true)).toMatchObject({ status: 500, code: 'invalid_prompt' });
    // Failures that are final are asked for once.
    expect(requests).toHaveLength(2);
    const wrongKey = await newClient({ apiKey: 'wrong' });
    expect(await failureOf(wrongKey.chat.completions.create({ model: MODEL, messages: [user('x')] }))).toMatchObject({
      status: 401,
      code: 'invalid_api_key',
    });
  });
});

describe('chat models of @ai-sdk/openai', () => {
  const newModel = () => createOpenAI({ baseURL: `${server.url}/v1`, apiKey: KEY }).chat(MODEL);

  it('generate and stream a text from completions, with the usage', async () => {
    const result = await generateText({ model: newModel(), prompt: 'Hello there' });
    expect(result.text).toContain('You said: Hello there');
    expect(result).toMatchObject({ finishReason: 'stop', usage: { inputTokens: 3, outputTokens: 1 } });
    const stream = streamText({ model: newModel(), prompt: '/stream 5 5 1' });
    expect((await all(stream.textStream)).join('')).toBe(WORDS);
    expect((await stream.usage).inputTokens).toEqual(expect.any(Number));
  });

  it('run a tool of their own for the agent, several steps long', async () => {
    const tools = { weather: tool({ inputSchema, execute }) };
    const result = await generateText({ model: newModel(), prompt: SHOUT, tools, stopWhen: isStepCount(5) });
    expect(result.steps).toHaveLength(2);
    expect(result.text).toContain('It rains in Paris.');
  });

  it('get an object by a schema', async () => {
    const output = Output.object({ schema: inputSchema });
    const result = await generateText({ model: newModel(), prompt: 'A city, please.', output });
    expect(result.output).toEqual({ city: expect.any(String) as string });
  });
});

describe('@ai-sdk/openai-compatible', () => {
  it('shows the thinking of an agent as reasoning, whole and streamed, and goes on with the conversation', async () => {
    const model = createOpenAICompatible({ name: 'chiron', baseURL: `${server.url}/v1`, apiKey: KEY })(MODEL);
    const first = await generateText({ model, prompt: 'Please think.' });
    expect(first.reasoningText).toContain('I thought');
    const stream = streamText({ model, prompt: 'Please think, too.' });
    const parts = await all(stream.fullStream);
    expect(parts.map(({ type }) => type)).toContain('reasoning-delta');
    expect(parts.filter(({ type }) => type === 'error')).toEqual([]);
    const messages = [
      { role: 'user' as const, content: 'Please think.' },
      ...first.response.messages,
      { role: 'user' as const, content: 'and now?' },
    ];
    expect((await generateText({ model, messages })).text).toContain('This is turn 2 of this thread.');
  });
});

describe('chat completions of @langchain/openai', () => {
  const newModel = () =>
    new ChatOpenAI({ model: MODEL, apiKey: KEY, maxRetries: 0, configuration: { baseURL: `${server.url}/v1` } });

  it('are invoked and streamed, with their usage, and continue a conversation', async () => {
    const first = await newModel().invoke([new SystemMessage('Be brief.'), new HumanMessage('Hello there')]);
    expect(first.text).toContain('You said: Hello there');
    expect(first.usage_metadata).toMatchObject({ input_tokens: 3, output_tokens: 1, total_tokens: 4 });
    const chunks = await all(await newModel().stream('/stream 5 5 1'));
    expect(chunks.map(({ text }) => text).join('')).toBe(WORDS);
    const conversation = [new SystemMessage('Be brief.'), new HumanMessage('Hello there'), first];
    const next = await newModel().invoke([...conversation, new HumanMessage('and now?')]);
    expect(next.text).toContain('This is turn 2 of this thread.');
  });

  it('call a tool of the caller, and follow a schema', async () => {
    const weather = { type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} } } };
    const asked = await newModel().bindTools([weather]).invoke(SHOUT);
    expect(asked.tool_calls).toMatchObject([{ name: 'weather', args: { city: 'Paris' } }]);
    const place = await newModel().withStructuredOutput(inputSchema).invoke('A city, please.');
    expect(place).toEqual({ city: expect.any(String) as string });
  });

  it('reject for a turn that failed', async () => {
    expect(await failureOf(newModel().invoke('/fail bad_request'))).toMatchObject({ status: 400 });
  });
});

it('OpenAIChatCompletionsModel of @openai/agents runs an agent with its own function', async () => {
  setTracingDisabled(true);
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: KEY });
  const model = new OpenAIChatCompletionsModel(client, MODEL);
  const weather = agentTool({ name: 'weather', description: 'The weather', parameters: inputSchema, execute });
  const agent = new Agent({ name: 'Helper', instructions: 'Be brief.', model, tools: [weather] });
  const first = await run(agent, SHOUT);
  expect(first.finalOutput).toContain('It rains in Paris.');
  const stream = await run(agent, 'hello', { stream: true });
  await stream.completed;
  expect(stream.finalOutput).toContain('You said: hello');
});
