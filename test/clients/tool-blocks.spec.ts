import { createAnthropic } from '@ai-sdk/anthropic';
import { ChatAnthropic } from '@langchain/anthropic';
import { HumanMessage } from '@langchain/core/messages';
import { generateText, streamText } from 'ai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type RunningServer } from '../support/running-server.js';
import { all } from './support/all.js';
import { newClaudeCode } from './support/claude-code.js';
import { removeFolders } from './support/folders.js';
import { recordsOf } from './support/json.js';
import { CLAUDE_CODES, skipReason } from './support/programs.js';
import { asking, loadSdk, MODEL, SDKS } from './support/sdk.js';

const PROMPT = '!echo from the inside';
const AGAIN = 'And the second?';
const ANSWER = 'The command worked.';
/** What the demo agent says in its second turn. */
const SECOND = `This is turn 2 of this thread. You said: ${AGAIN}`;

/** The forms in which inner tools can be shown, each with the blocks of a turn with one tool, and all of its text. */
const FORMS = [
  { form: 'auto', blocks: ['mcp_tool_use', 'mcp_tool_result', 'text'], text: ANSWER },
  { form: 'mcp', blocks: ['mcp_tool_use', 'mcp_tool_result', 'text'], text: ANSWER },
  { form: 'server', blocks: ['server_tool_use', 'bash_code_execution_tool_result', 'text'], text: ANSWER },
  {
    form: 'text',
    blocks: ['text', 'text'],
    text: expect.stringMatching(/shell\(.*from the inside[\s\S]*worked\.$/),
  },
  { form: 'none', blocks: ['text'], text: ANSWER },
] as const;

describe.each(FORMS)('Inner tools in the form $form', ({ form, blocks, text }) => {
  let server: RunningServer;

  beforeAll(async () => {
    server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo', CHIRON_TOOL_BLOCKS: form });
  });
  afterAll(async () => {
    await server.stop();
    await removeFolders();
  });

  it.each(SDKS)('are the same blocks for every call of @anthropic-ai/sdk $version', async ({ packageName }) => {
    const { Anthropic } = await loadSdk(packageName);
    const { messages, beta } = new Anthropic({ baseURL: server.url, apiKey: 'any', maxRetries: 0 });
    const answers = [
      await messages.create(asking(PROMPT)),
      await messages.stream(asking(PROMPT)).finalMessage(),
      await beta.messages.create(asking(PROMPT)),
      await beta.messages.stream(asking(PROMPT)).finalMessage(),
    ];
    for (const { content } of answers) {
      expect(typesOf(content)).toEqual(blocks);
      expect(textOf(content)).toEqual(text);
    }
  });

  it('are accepted by the Vercel AI SDK, which can continue the conversation', async () => {
    const model = createAnthropic({ baseURL: `${server.url}/v1`, apiKey: 'any' })(MODEL);
    const whole = await generateText({ model, prompt: PROMPT });
    const streamed = streamText({ model, prompt: PROMPT });
    const parts = await all(streamed.fullStream);
    expect(parts.filter(({ type }) => type === 'error')).toEqual([]);
    for (const said of [whole.text, await streamed.text]) expect(said).toEqual(text);
    const prompt = `${PROMPT} # to the Vercel AI SDK`;
    const first = await generateText({ model, prompt });
    const messages = [
      { role: 'user' as const, content: prompt },
      ...first.response.messages,
      { role: 'user' as const, content: AGAIN },
    ];
    expect((await generateText({ model, messages })).text).toContain(SECOND);
  });

  it('are accepted by LangChain, which can continue the conversation', async () => {
    const model = new ChatAnthropic({ model: MODEL, apiKey: 'any', anthropicApiUrl: server.url, maxRetries: 0 });
    const streamed = (await all(await model.stream(PROMPT))).reduce((before, chunk) => before.concat(chunk));
    expect(streamed.text).toEqual(text);
    const prompt = `${PROMPT} # to LangChain`;
    const first = await model.invoke(prompt);
    expect(first.text).toEqual(text);
    const second = await model.invoke([new HumanMessage(prompt), first, new HumanMessage(AGAIN)]);
    expect(second.text).toContain(SECOND);
  });

  it.skipIf(skipReason !== undefined).each(CLAUDE_CODES)(
    'are accepted by Claude Code $version, which can continue the conversation',
    async ({ program }) => {
      const caller = await newClaudeCode(server.url, {}, program);
      const first = await caller.ask(PROMPT);
      expect(typesOf(first.blocks)).toEqual(blocks);
      expect(JSON.stringify(first.blocks).includes('"echo from the inside"')).toBe(form !== 'text' && form !== 'none');
      expect(textOf(first.blocks)).toEqual(text);
      expect(first.result).toMatchObject({ is_error: false, num_turns: 1, permission_denials: [] });
      const second = await caller.ask(AGAIN, '--resume', first.sessionId);
      expect(second.result['result']).toContain(SECOND);
    },
  );
});

function typesOf(content: unknown): readonly unknown[] {
  return recordsOf(content).map(({ type }) => type);
}

function textOf(content: unknown): string {
  return recordsOf(content)
    .map((block) => (typeof block['text'] === 'string' ? block['text'] : ''))
    .join('');
}
