import { createOpenAI, type OpenAIProvider } from '@ai-sdk/openai';
import { HumanMessage, SystemMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
import { Agent, OpenAIResponsesModel, run, setTracingDisabled, tool as agentTool } from '@openai/agents';
import { generateText, isStepCount, Output, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startServer, type RunningServer } from '../support/running-server.js';
import { all } from './support/all.js';
import { removeFolders } from './support/folders.js';
import { failureOf } from './support/sdk.js';

const KEY = 'a-key-of-the-tests-that-is-long-enough';
const MODEL = 'demo';

let server: RunningServer;

beforeAll(async () => {
  server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo', CHIRON_API_KEYS: `tests:${KEY}` });
});
afterAll(async () => {
  await server.stop();
  await removeFolders();
});

const SHOUT = '/call weather {"city":"Paris"}';
const inputSchema = z.object({ city: z.string() });
const execute = ({ city }: { readonly city: string }) => `It rains in ${city}.`;

describe('@ai-sdk/openai', () => {
  let openai: OpenAIProvider;
  beforeAll(() => {
    openai = createOpenAI({ baseURL: `${server.url}/v1`, apiKey: KEY });
  });

  it('generates a text from a response, with its usage', async () => {
    const result = await generateText({ model: openai(MODEL), prompt: 'Hello there' });
    expect(result.text).toContain('You said: Hello there');
    expect(result).toMatchObject({ finishReason: 'stop', usage: { inputTokens: 3, outputTokens: 1 } });
  });

  it('streams the text of a response, and its thinking as reasoning', async () => {
    const result = streamText({ model: openai(MODEL), prompt: '/stream 5 5 1' });
    expect((await all(result.textStream)).join('')).toBe('word0 word1 word2 word3 word4 ');
    const thought = await generateText({ model: openai(MODEL), prompt: 'Please think.' });
    expect(thought.reasoningText).toContain('I thought');
  });

  it('shows an inner tool of a response as one that the provider ran', async () => {
    const result = await generateText({ model: openai(MODEL), prompt: '!echo from the inside' });
    expect(result.text).toBe('The command worked.');
    expect(result.steps).toHaveLength(1);
    expect(result.content.map(({ type }) => type)).toEqual(['tool-call', 'tool-result', 'text']);
    const parts = await all(streamText({ model: openai(MODEL), prompt: '!echo oh no; exit 3' }).fullStream);
    expect(parts.filter(({ type }) => type === 'error')).toEqual([]);
  });

  it('continues a conversation by the items of its responses', async () => {
    const first = await generateText({ model: openai(MODEL), prompt: 'the first' });
    const messages = [
      { role: 'user' as const, content: 'the first' },
      ...first.response.messages,
      { role: 'user' as const, content: 'the second' },
    ];
    expect((await generateText({ model: openai(MODEL), messages })).text).toContain('This is turn 2 of this thread.');
  });

  it('runs its own tool for the agent of a response', async () => {
    const tools = { weather: tool({ inputSchema, execute }) };
    const result = await generateText({ model: openai(MODEL), prompt: SHOUT, tools, stopWhen: isStepCount(5) });
    expect(result.steps).toHaveLength(2);
    expect(result.text).toContain('It rains in Paris.');
  });

  it('gets a response that follows a schema', async () => {
    const output = Output.object({ schema: z.object({ city: z.string() }) });
    const result = await generateText({ model: openai(MODEL), prompt: 'A city, please.', output });
    expect(result.output).toEqual({ city: expect.any(String) as string });
  });
});

describe('@openai/agents', () => {
  let model: OpenAIResponsesModel;
  beforeAll(() => {
    setTracingDisabled(true);
    model = new OpenAIResponsesModel(new OpenAI({ baseURL: `${server.url}/v1`, apiKey: KEY }), MODEL);
  });

  it('gets the final output of a run, and goes on with it', async () => {
    const agent = new Agent({ name: 'Helper', instructions: 'Be brief.', model });
    const first = await run(agent, 'hello');
    expect(first.finalOutput).toContain('You said: hello');
    const next = await run(agent, [...first.history, { role: 'user', content: 'and now?' }]);
    expect(next.finalOutput).toContain('This is turn 2 of this thread.');
    const chained = await run(agent, 'then?', { previousResponseId: next.lastResponseId ?? '' });
    expect(chained.finalOutput).toContain('This is turn 3 of this thread.');
  });

  it('streams a run in which the agent runs a tool', async () => {
    const agent = new Agent({ name: 'Helper', model });
    const stream = await run(agent, '!echo from the inside', { stream: true });
    await stream.completed;
    expect(stream.finalOutput).toBe('The command worked.');
  });

  it('runs its own function for the agent', async () => {
    const weather = agentTool({ name: 'weather', description: 'The weather', parameters: inputSchema, execute });
    const agent = new Agent({ name: 'Helper', model, tools: [weather] });
    expect((await run(agent, SHOUT)).finalOutput).toContain('It rains in Paris.');
  });
});

describe('@langchain/openai', () => {
  const newModel = () =>
    new ChatOpenAI({
      model: MODEL,
      apiKey: KEY,
      useResponsesApi: true,
      maxRetries: 0,
      configuration: { baseURL: `${server.url}/v1` },
    });

  it('gets a message from a response, with its usage', async () => {
    const message = await newModel().invoke([new SystemMessage('Be brief.'), new HumanMessage('Hello there')]);
    expect(message.text).toContain('You said: Hello there');
    expect(message.usage_metadata).toMatchObject({ input_tokens: 3, output_tokens: 1, total_tokens: 4 });
  });

  it('streams the message of a response', async () => {
    const chunks = await all(await newModel().stream('/stream 5 5 1'));
    expect(chunks.map(({ text }) => text).join('')).toBe('word0 word1 word2 word3 word4 ');
  });

  it('continues a conversation by its messages', async () => {
    const first = await newModel().invoke([new HumanMessage('one')]);
    const next = await newModel().invoke([new HumanMessage('one'), first, new HumanMessage('two')]);
    expect(next.text).toContain('This is turn 2 of this thread.');
  });

  it('rejects for a failed turn', async () => {
    expect(await failureOf(newModel().invoke('/fail bad_request'))).toMatchObject({ status: 400 });
  });
});
