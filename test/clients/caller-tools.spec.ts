import { createAnthropic } from '@ai-sdk/anthropic';
import { ChatAnthropic } from '@langchain/anthropic';
import { HumanMessage, ToolMessage, type BaseMessage } from '@langchain/core/messages';
import { tool as langchainTool } from '@langchain/core/tools';
import { generateText, isStepCount, streamText, tool } from 'ai';
import { betaMemoryTool } from 'sdk-1/helpers/beta/memory';
import { betaTool } from 'sdk-1/helpers/beta/json-schema';
import { betaZodTool } from 'sdk-1/helpers/beta/zod';
import { Anthropic } from 'sdk-1';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startServer, type RunningServer } from '../support/running-server.js';
import { MODEL, recordingFetch, said } from './support/sdk.js';
import { turnsOf } from './support/turns.js';

const KEY = 'a-key-of-the-tests-that-is-long-enough';
/** Two rounds: two calls at once, then a command of the agent's own, then another call. */
const TRIP =
  '/call weather {"city":"Paris"}\n/call weather {"city":"Rome"}\nthen\n!echo thinking\n/call book {"to":"Rome"}';

let server: RunningServer;

beforeAll(async () => {
  server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo', CHIRON_API_KEYS: `tests:${KEY}` });
});

afterAll(() => server.stop());

describe.each([true, false])('the tool runner of @anthropic-ai/sdk, streaming: %s', (stream) => {
  const ran: string[] = [];
  const weather = betaZodTool({
    name: 'weather',
    description: 'The weather of a city.',
    inputSchema: z.object({ city: z.string() }),
    run: ({ city }) => {
      ran.push(`weather ${city}`);
      return `sunny in ${city}`;
    },
  });
  const book = betaTool({
    name: 'book',
    description: 'Books a trip.',
    inputSchema: { type: 'object', properties: { to: { type: 'string' } }, required: ['to'] },
    run: () => {
      ran.push('book');
      throw new Error('no seats');
    },
  });

  it.each([undefined, `tools:sdk-${String(stream)}`])('runs the agent’s calls, on the thread %s', async (threadKey) => {
    ran.length = 0;
    const { fetch, requests } = recordingFetch();
    const client = new Anthropic({ apiKey: KEY, baseURL: server.url, fetch, maxRetries: 0 });
    const options = threadKey === undefined ? {} : { headers: { 'x-chiron-thread-key': threadKey } };
    const body = {
      model: MODEL,
      max_tokens: 1000,
      messages: [{ role: 'user' as const, content: TRIP }],
      tools: [weather, book],
    };
    const runner = client.beta.messages.toolRunner({ ...body, stream }, options);
    const last = await runner.runUntilDone();
    expect(ran).toEqual(['weather Paris', 'weather Rome', 'book']);
    expect(said(last)).toContain('The tool failed:');
    expect(said(last)).toContain('no seats');
    expect(last.stop_reason).toBe('end_turn');
    expect(requests).toHaveLength(3);
  });
});

describe('@anthropic-ai/sdk', () => {
  it('lends its memory tool, whose schema only the API knows', async () => {
    const client = new Anthropic({ apiKey: KEY, baseURL: server.url, maxRetries: 0 });
    const memory = betaMemoryTool({
      view: ({ path }) => `the notes in ${path}`,
      create: () => 'created',
      str_replace: () => 'replaced',
      insert: () => 'inserted',
      delete: () => 'deleted',
      rename: () => 'renamed',
    });
    const last = await client.beta.messages
      .toolRunner({
        model: MODEL,
        max_tokens: 1000,
        messages: [{ role: 'user', content: '/call memory {"command":"view","path":"/memories"}' }],
        tools: [memory],
      })
      .runUntilDone();
    expect(said(last)).toContain('The tool returned: the notes in /memories');
  });
});

describe('@ai-sdk/anthropic', () => {
  const tools = {
    weather: tool({
      description: 'The weather of a city.',
      inputSchema: z.object({ city: z.string() }),
      execute: ({ city }) => Promise.resolve(`sunny in ${city}`),
    }),
    book: tool({
      description: 'Books a trip.',
      inputSchema: z.object({ to: z.string() }),
      execute: (): Promise<string> => Promise.reject(new Error('no seats')),
    }),
  };

  it('runs the agent’s calls in its loop, streaming or not, on one thread', async () => {
    const anthropic = createAnthropic({ baseURL: `${server.url}/v1`, apiKey: KEY });
    const run = { model: anthropic(MODEL), tools, prompt: TRIP, stopWhen: isStepCount(9) };
    const generated = await generateText({ ...run, headers: { 'x-chiron-thread-key': 'tools:ai-generated' } });
    expect(generated.steps).toHaveLength(3);
    expect(generated.text).toContain('no seats');
    expect(await turnsOf(server, 'tools:ai-generated', KEY)).toHaveLength(3);
    const streamed = streamText(run);
    expect(await streamed.text).toContain('no seats');
    expect(await streamed.steps).toHaveLength(3);
  });
});

describe('@langchain/anthropic', () => {
  it('runs the agent’s calls in a loop that sends the whole conversation', async () => {
    const weather = langchainTool(({ city }: { readonly city: string }) => `sunny in ${city}`, {
      name: 'weather',
      description: 'The weather of a city.',
      schema: z.object({ city: z.string() }),
    });
    const model = new ChatAnthropic({ model: MODEL, apiKey: KEY, anthropicApiUrl: server.url, maxRetries: 0 });
    const bound = model.bindTools([weather]);
    const messages: BaseMessage[] = [
      new HumanMessage('/call weather {"city":"Paris"}\nthen\n/call weather {"city":"Rome"}'),
    ];
    let answer = await bound.invoke(messages);
    for (let round = 0; round < 5 && (answer.tool_calls ?? []).length > 0; round += 1) {
      messages.push(answer);
      for (const call of answer.tool_calls ?? []) {
        const result: unknown = await weather.invoke(call);
        if (ToolMessage.isInstance(result)) messages.push(result);
      }
      answer = await bound.invoke(messages);
    }
    expect(answer.text).toContain('The tool returned: sunny in Rome');
    expect(messages).toHaveLength(5);
  });
});
