import { query } from '@anthropic-ai/claude-agent-sdk';
import { createAnthropic } from '@ai-sdk/anthropic';
import { ChatAnthropic } from '@langchain/anthropic';
import { generateObject, generateText, Output, streamText } from 'ai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startServer, type RunningServer } from '../support/running-server.js';
import { all } from './support/all.js';
import { agentEnvironment } from './support/agent-environment.js';
import { newClaudeCode } from './support/claude-code.js';
import { removeFolders } from './support/folders.js';
import { CLAUDE_CODES, skipReason } from './support/programs.js';
import { asking, loadSdk, MODEL, said } from './support/sdk.js';
import { turnsOf } from './support/turns.js';

const VERDICT = z.object({ verdict: z.boolean(), reason: z.string(), certainty: z.number() });
const SCHEMA = {
  type: 'object' as const,
  properties: { verdict: { type: 'boolean' }, reason: { type: 'string' }, certainty: { type: 'number' } },
  required: ['verdict', 'reason', 'certainty'],
  additionalProperties: false,
};
const A_VERDICT = { verdict: expect.any(Boolean), reason: expect.any(String), certainty: expect.any(Number) };
const PROMPT = 'Is it so?';

describe('An answer of a schema', () => {
  let server: RunningServer;

  beforeAll(async () => {
    server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo' });
  });
  afterAll(async () => {
    await server.stop();
    await removeFolders();
  });

  const newModel = (name = MODEL) => createAnthropic({ baseURL: `${server.url}/v1`, apiKey: 'any' })(name);
  const newChat = () => new ChatAnthropic({ model: MODEL, apiKey: 'any', anthropicApiUrl: server.url, maxRetries: 0 });

  it.each([
    { packageName: 'sdk-1', version: '1.12.0', helpers: () => import('sdk-1/helpers/zod') },
    { packageName: 'sdk-0', version: '0.137.0', helpers: () => import('sdk-0/helpers/zod') },
  ] as const)('is parsed by @anthropic-ai/sdk $version', async ({ packageName, helpers }) => {
    const [{ Anthropic }, { zodOutputFormat }] = [await loadSdk(packageName), await helpers()];
    const { messages, beta } = new Anthropic({ baseURL: server.url, apiKey: 'any', maxRetries: 0 });
    const wanted = { ...asking(PROMPT), output_config: { format: zodOutputFormat(VERDICT) } };
    expect((await messages.parse(wanted)).parsed_output).toEqual(A_VERDICT);
    expect((await messages.stream(wanted).finalMessage()).parsed_output).toEqual(A_VERDICT);
    expect((await beta.messages.parse(wanted)).parsed_output).toEqual(A_VERDICT);
  });

  it('is the text of a message of @anthropic-ai/sdk 0.65.0, which has no schemas', async () => {
    const { Anthropic } = await loadSdk('sdk-065');
    const { messages } = new Anthropic({ baseURL: server.url, apiKey: 'any', maxRetries: 0 });
    const format = { type: 'json_schema' as const, schema: SCHEMA };
    const { content } = await messages.create({ ...asking(PROMPT), output_config: { format } });
    expect(JSON.parse(said({ content }))).toEqual(A_VERDICT);
  });

  it('is the object of generateObject and Output.object of the Vercel AI SDK', async () => {
    expect((await generateObject({ model: newModel(), schema: VERDICT, prompt: PROMPT })).object).toEqual(A_VERDICT);
    const output = Output.object({ schema: VERDICT });
    expect((await generateText({ model: newModel(), output, prompt: PROMPT })).output).toEqual(A_VERDICT);
    const streamed = streamText({ model: newModel(), output, prompt: PROMPT });
    expect((await all(streamed.partialOutputStream)).at(-1)).toEqual(A_VERDICT);
  });

  it('is the result of withStructuredOutput of LangChain with the method jsonSchema', async () => {
    expect(await newChat().withStructuredOutput(VERDICT, { method: 'jsonSchema' }).invoke(PROMPT)).toEqual(A_VERDICT);
  });

  // Programs that do not know of formats force a call of a tool.
  describe('that is asked for by a tool', () => {
    it('is the result of withStructuredOutput of LangChain, whose default is a tool', async () => {
      expect(await newChat().withStructuredOutput(VERDICT).invoke(PROMPT)).toEqual(A_VERDICT);
    });

    it('is the object of the Vercel AI SDK, also for models that it does not recognise', async () => {
      const output = Output.object({ schema: VERDICT });
      for (const name of ['demo', 'claude-sonnet-4-0', 'claude-agent']) {
        const { output: answer } = await generateText({ model: newModel(name), output, prompt: PROMPT });
        expect(answer).toEqual(A_VERDICT);
      }
    });

    it.skipIf(skipReason !== undefined).each(CLAUDE_CODES)(
      'is what Claude Code $version prints with --json-schema, after one turn',
      async ({ program }) => {
        const caller = await newClaudeCode(server.url, {}, program);
        const { result, sessionId } = await caller.ask(PROMPT, '--json-schema', JSON.stringify(SCHEMA));
        expect(result).toMatchObject({ structured_output: A_VERDICT });
        expect(await turnsOf(server, `api:claude:${sessionId}`)).toHaveLength(1);
      },
    );

    it.skipIf(skipReason !== undefined)('is the result of outputFormat of the Claude Agent SDK', async () => {
      const { env, cwd } = await agentEnvironment(server.url);
      const outputFormat = { type: 'json_schema' as const, schema: SCHEMA };
      const messages = await all(query({ prompt: PROMPT, options: { env, cwd, outputFormat } }));
      const result = messages.find(({ type }) => type === 'result');
      expect(result).toMatchObject({ subtype: 'success', structured_output: A_VERDICT });
    });
  });
});
