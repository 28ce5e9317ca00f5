import { ChatAnthropic } from '@langchain/anthropic';
import { HumanMessage, SystemMessage } from '@langchain/core/messages';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type RunningServer } from '../support/running-server.js';
import { FIRST_CALL_USAGE, LATER_CALL_USAGE } from '../support/scripted-model/anthropic-answer.js';
import { all } from './support/all.js';
import { removeFolders } from './support/folders.js';
import { skipReason } from './support/programs.js';
import { startRig } from './support/rig.js';
import { PDF, PIXEL } from './support/samples.js';
import { failureOf, MODEL } from './support/sdk.js';
import { turnsOf } from './support/turns.js';

const KEY = 'a-key-of-the-tests-that-is-long-enough';

describe('@langchain/anthropic', () => {
  let server: RunningServer;

  beforeAll(async () => {
    server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo', CHIRON_API_KEYS: `tests:${KEY}` });
  });
  afterAll(async () => {
    await server.stop();
    await removeFolders();
  });

  const newModel = (maxRetries = 0) =>
    new ChatAnthropic({ model: MODEL, apiKey: KEY, anthropicApiUrl: server.url, maxRetries });
  const onThread = (key: string) => ({ headers: { 'x-chiron-thread-key': key } });

  it('gets a message, with its usage', async () => {
    const message = await newModel().invoke('Hello there');
    expect(message.text).toContain('You said: Hello there');
    expect(message).toMatchObject({
      id: expect.stringMatching(/^msg_/),
      usage_metadata: { input_tokens: 3, output_tokens: 1, total_tokens: 4 },
      response_metadata: { model: 'demo', stop_reason: 'end_turn' },
    });
  });

  it('streams a message, with its usage', async () => {
    const chunks = await all(await newModel().stream('/stream 5 5'));
    expect(chunks.map(({ text }) => text).join('')).toBe('word0 word1 word2 word3 word4 ');
    // It takes the input from the beginning of the stream, which has the context before the turn.
    expect(chunks.reduce((before, chunk) => before.concat(chunk)).usage_metadata).toMatchObject({
      input_tokens: 0,
      output_tokens: 1,
      total_tokens: 1,
    });
  });

  it.skipIf(skipReason !== undefined)('gets the usage of all model calls of a turn, unless it streams', async () => {
    const rig = await startRig('claude-code');
    try {
      const model = new ChatAnthropic({ model: MODEL, apiKey: KEY, anthropicApiUrl: rig.server.url, maxRetries: 0 });
      expect(await model.invoke('SCENE:steps true && true')).toMatchObject({
        usage_metadata: { input_tokens: inputTokens(FIRST_CALL_USAGE) + 2 * inputTokens(LATER_CALL_USAGE) },
      });
      const chunks = await all(await model.stream('SCENE:steps true && true'));
      expect(chunks.reduce((before, chunk) => before.concat(chunk))).toMatchObject({
        usage_metadata: { input_tokens: 0 },
      });
    } finally {
      await rig.close();
    }
  });

  it('shows an inner tool as a block, and not as a call that it must run', async () => {
    const message = await newModel().invoke('!echo from the inside');
    expect(message.tool_calls).toEqual([]);
    expect(message.text).toBe('The command worked.');
    expect(message.contentBlocks).toMatchObject([
      { type: 'server_tool_call', args: { command: 'echo from the inside' } },
      { type: 'server_tool_call_result', status: 'success', output: [{ type: 'text', text: 'from the inside' }] },
      { type: 'text', text: 'The command worked.' },
    ]);
  });

  it('shows the text of a streamed turn only, without its inner tools', async () => {
    const chunks = await all(await newModel().stream('!echo from the inside'));
    const message = chunks.reduce((before, chunk) => before.concat(chunk));
    expect(message).toMatchObject({ content: 'The command worked.', tool_calls: [] });
  });

  it('does not call a bound tool with the name of an inner tool', async () => {
    const shell = { name: 'shell', description: 'Runs a command', input_schema: { type: 'object' as const } };
    const message = await newModel().bindTools([shell]).invoke('!echo mine or yours');
    expect(message.tool_calls).toEqual([]);
    expect(message.text).toBe('The command worked.');
  });

  it('continues a conversation that has inner tools', async () => {
    const thread = onThread('api:langchain');
    const first = await newModel().invoke('!echo the first turn', thread);
    const conversation = [new HumanMessage('!echo the first turn'), first, new HumanMessage('And the second?')];
    const { text } = await newModel().invoke(conversation, thread);
    expect(text).toContain('This is turn 2 of this thread. You said: And the second?');
  });

  it('can send images, PDFs and a system prompt', async () => {
    const content = [
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } },
      { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: PDF } },
      { type: 'text', text: 'What are these?' },
    ];
    const { text } = await newModel().invoke([new SystemMessage('Be brief.'), new HumanMessage({ content })]);
    expect(text).toContain('You said: What are these?');
  });

  it('leaves the turn running when it is aborted, and attaches to it with the same request', async () => {
    const thread = onThread('api:langchain-aborted');
    const controller = new AbortController();
    const left = await newModel().stream('/stream 40 25', { ...thread, signal: controller.signal });
    const failure = failureOf(
      (async () => {
        for await (const { text } of left) if (text !== '') controller.abort();
      })(),
    );
    expect(await failure).toMatchObject({ name: 'AbortError' });
    const message = await newModel().invoke('/stream 40 25', thread);
    expect(message.text).toContain('word39');
    expect(await turnsOf(server, 'api:langchain-aborted', KEY)).toMatchObject([{ message_id: message.id }]);
  });

  it('throws the errors of the agent, and retries the transient ones', async () => {
    expect(await failureOf(newModel(1).invoke('/fail bad_request'))).toMatchObject({ status: 400 });
    const overloaded = newModel(1).invoke('/fail overloaded', onThread('api:langchain-failed'));
    expect(await failureOf(overloaded)).toMatchObject({ status: 529 });
    expect(await turnsOf(server, 'api:langchain-failed', KEY)).toHaveLength(2);
  });

  it('finds Chiron at an address with /v1, too', async () => {
    const model = new ChatAnthropic({ model: MODEL, apiKey: KEY, anthropicApiUrl: `${server.url}/v1`, maxRetries: 0 });
    expect((await model.invoke('Hello')).text).toContain('You said: Hello');
  });
});

type InputUsage = Pick<
  typeof FIRST_CALL_USAGE | typeof LATER_CALL_USAGE,
  'input_tokens' | 'cache_creation_input_tokens' | 'cache_read_input_tokens'
>;

/** All tokens that went in, as LangChain counts them. */
function inputTokens(usage: InputUsage): number {
  return usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens;
}
