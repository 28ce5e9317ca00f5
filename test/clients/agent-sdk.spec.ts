import { type Options, query, type SDKMessage, type SDKUserMessage } from '@anthropic-ai/claude-agent-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type RunningServer } from '../support/running-server.js';
import { agentEnvironment } from './support/agent-environment.js';
import { all } from './support/all.js';
import { removeFolders } from './support/folders.js';
import { skipReason } from './support/programs.js';
import { failureOf } from './support/sdk.js';
import { turnsOf } from './support/turns.js';

describe.skipIf(skipReason !== undefined)('@anthropic-ai/claude-agent-sdk', () => {
  let server: RunningServer;
  let options: Options;

  beforeAll(async () => {
    server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo', CHIRON_DRAIN_SECONDS: '1' });
    options = {
      ...(await agentEnvironment(server.url)),
      permissionMode: 'bypassPermissions',
      allowDangerouslySkipPermissions: true,
    };
  });
  afterAll(async () => {
    await server.stop();
    await removeFolders();
  });

  const ask = async (prompt: string, more: Partial<Options> = {}) =>
    resultOf(await all(query({ prompt, options: { ...options, ...more } })));
  const sessionTurns = (sessionId: string) => turnsOf(server, `api:claude:${sessionId}`);

  it('gets the result of a prompt, with its usage and its cost', async () => {
    expect(await ask('Hello there')).toMatchObject({
      subtype: 'success',
      result: expect.stringContaining('You said: Hello there'),
      num_turns: 1,
      usage: { input_tokens: 3, output_tokens: 1, iterations: [{ type: 'message' }] },
      total_cost_usd: expect.toSatisfy((cost: unknown) => typeof cost === 'number' && cost > 0),
    });
  });

  it('resumes a session', async () => {
    const first = await ask('The first');
    const second = await ask('The second', { resume: first.session_id });
    expect(second).toMatchObject({
      session_id: first.session_id,
      result: expect.stringContaining('This is turn 2 of this thread. You said: The second'),
    });
  });

  it('sends several prompts into one session', async () => {
    const said = new Answers();
    const results: SDKMessage[] = [];
    for await (const message of query({ prompt: prompts(['One', 'Two'], said), options })) {
      if (message.type !== 'result') continue;
      results.push(message);
      said.came();
    }
    expect(results).toMatchObject([
      { result: expect.stringContaining('This is turn 1 of this thread. You said: One') },
      { result: expect.stringContaining('This is turn 2 of this thread. You said: Two') },
    ]);
  });

  it('gets inner tools as blocks, and stream events when it asks for them', async () => {
    const messages = await all(
      query({ prompt: '!echo from the inside', options: { ...options, includePartialMessages: true } }),
    );
    const blocks = messages.flatMap((message) => (message.type === 'assistant' ? message.message.content : []));
    expect(blocks).toMatchObject([
      { type: 'mcp_tool_use', name: 'shell', input: { command: 'echo from the inside' } },
      { type: 'mcp_tool_result', content: [{ type: 'text', text: 'from the inside' }] },
      { type: 'text', text: 'The command worked.' },
    ]);
    const events = messages.flatMap((message) => (message.type === 'stream_event' ? [message.event.type] : []));
    expect([events.at(0), events.at(-1)]).toEqual(['message_start', 'message_stop']);
    expect(resultOf(messages)).toMatchObject({ num_turns: 1, permission_denials: [] });
  });

  it('leaves the turn running when it is aborted', async () => {
    const abortController = new AbortController();
    let sessionId = '';
    const failure = failureOf(
      (async () => {
        const more = { abortController, includePartialMessages: true };
        for await (const message of query({ prompt: ' /stream 100000 20', options: { ...options, ...more } })) {
          sessionId = message.session_id ?? '';
          if (message.type === 'stream_event' && message.event.type === 'content_block_delta') abortController.abort();
        }
      })(),
    );
    expect(await failure).toMatchObject({ message: expect.stringContaining('aborted') });
    expect(await sessionTurns(sessionId)).toMatchObject([{ status: 'running' }]);
  });

  it('throws the failure of the agent', async () => {
    expect(await failureOf(ask(' /fail billing'))).toMatchObject({ message: expect.stringContaining('billing') });
  });
});

type Result = Extract<SDKMessage, { readonly type: 'result' }>;

function resultOf(messages: readonly SDKMessage[]): Result {
  const result = messages.find((message) => message.type === 'result');
  if (result === undefined) throw new Error('no result');
  return result;
}

/** Lets a prompt wait for the answer to the one before. */
class Answers {
  #came: () => void = () => undefined;

  next(): Promise<void> {
    return new Promise((resolve) => (this.#came = resolve));
  }

  came(): void {
    this.#came();
  }
}

async function* prompts(texts: readonly string[], answers: Answers): AsyncGenerator<SDKUserMessage> {
  for (const content of texts) {
    const answered = answers.next();
    yield { type: 'user', message: { role: 'user', content }, parent_tool_use_id: null };
    await answered;
  }
}
