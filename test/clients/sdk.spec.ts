import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type RunningServer } from '../support/running-server.js';
import { PDF, PIXEL } from './support/samples.js';
import { asking, loadSdk, said, type Sdk, SDKS } from './support/sdk.js';

const KEY = 'a-key-of-the-tests-that-is-long-enough';

describe.each(SDKS)('@anthropic-ai/sdk $version', ({ packageName }) => {
  let sdk: Sdk;
  let server: RunningServer;

  beforeAll(async () => {
    sdk = await loadSdk(packageName);
    server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo', CHIRON_API_KEYS: `tests:${KEY}` });
  });
  afterAll(async () => {
    await server.stop();
  });

  const newClient = () => new sdk.Anthropic({ baseURL: server.url, apiKey: KEY, maxRetries: 0 });

  it('gets an unstreamed message, with all fields of its type', async () => {
    const message = await newClient().messages.create(asking('Hello'));
    expect(message).toMatchObject({
      id: expect.stringMatching(/^msg_/),
      type: 'message',
      role: 'assistant',
      model: 'demo',
      content: [{ type: 'text', text: expect.stringContaining('You said: Hello') }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      stop_details: null,
      container: null,
      usage: {
        input_tokens: expect.any(Number),
        output_tokens: expect.any(Number),
        cache_creation_input_tokens: expect.any(Number),
        cache_read_input_tokens: expect.any(Number),
        service_tier: 'standard',
      },
      _request_id: expect.stringMatching(/^req_/),
    });
  });

  it('gets the events of a message when it streams', async () => {
    const events: string[] = [];
    let text = '';
    for await (const event of await newClient().messages.create({ ...asking('/stream 3 5'), stream: true })) {
      events.push(event.type);
      if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') text += event.delta.text;
    }
    expect(text).toBe('word0 word1 word2 ');
    expect(events.filter((type) => type !== 'content_block_delta')).toEqual([
      'message_start',
      'content_block_start',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
  });

  it('emits text, thinking, blocks and the message to the listeners of messages.stream()', async () => {
    const heard = { text: '', thinking: '', blocks: new Array<string>(), messages: 0, events: 0 };
    const stream = newClient()
      .messages.stream(asking('Think, please.'))
      .on('text', (delta) => (heard.text += delta))
      .on('thinking', (delta) => (heard.thinking += delta))
      .on('contentBlock', (block) => heard.blocks.push(block.type))
      .on('streamEvent', () => (heard.events += 1))
      .on('message', () => (heard.messages += 1));
    const message = await stream.finalMessage();
    expect(heard).toMatchObject({ blocks: ['thinking', 'text'], messages: 1, text: await stream.finalText() });
    expect(heard.thinking).toContain('I thought');
    expect(heard.text).toContain('You said: Think, please.');
    expect(message.content.map(({ type }) => type)).toEqual(heard.blocks);
    expect(message.usage.output_tokens).toBeGreaterThan(0);
    expect(stream.request_id).toMatch(/^req_/);
  });

  it('gets the same message streamed and unstreamed', async () => {
    // With `beta`, because the other stream helper drops `usage.iterations` (1.12.0); that of 0.65.0 knows of none at all.
    const hasIterations = packageName !== 'sdk-065';
    const { messages } = newClient().beta;
    const whole = await messages.create(asking('!echo the same'));
    const streamed = await messages.stream(asking('!echo the same')).finalMessage();
    const shape = ({ content, stop_reason, usage }: typeof whole) => ({
      content: content.map((block) => ({ ...block, id: 'any', tool_use_id: 'any' })),
      stop_reason,
      usage: {
        ...(hasIterations ? usage : { ...usage, iterations: null, output_tokens_details: null }),
        // They keep the one of `message_start`, which does not tell it.
        cache_creation: 'any',
      },
    });
    expect(shape(streamed)).toEqual(shape(whole));
    expect(whole.usage).toMatchObject({ iterations: [{ type: 'message', model: 'demo' }] });
  });

  it('gets the events of a message when beta.messages streams', async () => {
    const types = new Set<string>();
    for await (const event of await newClient().beta.messages.create({ ...asking('!echo inside'), stream: true }))
      types.add(event.type === 'content_block_start' ? event.content_block.type : event.type);
    expect([...types].filter((type) => !type.startsWith('content_block'))).toEqual([
      'message_start',
      'mcp_tool_use',
      'mcp_tool_result',
      'text',
      'message_delta',
      'message_stop',
    ]);
  });

  it('gets inner tools as beta.messages types them', async () => {
    const client = newClient();
    const whole = await client.beta.messages.create(asking('!echo from the workspace'));
    const streamed = await client.beta.messages.stream(asking('!echo from the workspace')).finalMessage();
    for (const { content } of [whole, streamed]) {
      const [use, result, text] = content;
      expect(use).toMatchObject({ type: 'mcp_tool_use', input: { command: 'echo from the workspace' } });
      expect(result).toMatchObject({ type: 'mcp_tool_result', is_error: false });
      if (use?.type !== 'mcp_tool_use' || result?.type !== 'mcp_tool_result') throw new Error('no inner tool');
      expect(result.tool_use_id).toBe(use.id);
      expect(result.content).toMatchObject([{ type: 'text', text: 'from the workspace' }]);
      expect(text).toMatchObject({ type: 'text', text: 'The command worked.' });
    }
  });

  it('has a tool runner that does not run inner tools with the name of its own', async () => {
    let runs = 0;
    const shell = {
      type: 'custom' as const,
      name: 'shell',
      description: 'Runs a command on the machine of the caller',
      input_schema: { type: 'object' as const },
      parse: (input: unknown) => input,
      run: () => {
        runs += 1;
        return 'run by the caller';
      },
    };
    const runner = newClient().beta.messages.toolRunner({ ...asking('!echo inside'), tools: [shell] });
    const message = await runner.runUntilDone();
    expect(message).toMatchObject({
      stop_reason: 'end_turn',
      content: [{ type: 'mcp_tool_use', name: 'shell' }, {}, {}],
    });
    expect(runs).toBe(0);
    const rounds = new Array<string | null>();
    const streaming = { ...asking('!echo inside again'), tools: [shell], stream: true as const };
    for await (const round of newClient().beta.messages.toolRunner(streaming))
      rounds.push((await round.finalMessage()).stop_reason);
    expect(rounds).toEqual(['end_turn']);
    expect(runs).toBe(0);
  });

  it('gets the thread key in a header, and continues the thread with it', async () => {
    const client = newClient();
    const { data: first, response } = await client.messages.create(asking('One')).withResponse();
    const key = response.headers.get('x-chiron-thread-key') ?? '';
    expect(key).toMatch(/^api:/);
    expect(first).toMatchObject({ _request_id: response.headers.get('request-id') });
    const conversation = {
      ...asking('One'),
      messages: [
        { role: 'user' as const, content: 'One' },
        { role: 'assistant' as const, content: first.content },
        { role: 'user' as const, content: 'Two' },
      ],
    };
    const onThread = { headers: { 'x-chiron-thread-key': key } };
    const second = await client.messages.create(conversation, onThread);
    expect(said(second)).toContain('This is turn 2 of this thread. You said: Two');
    const third = client.messages.stream(asking('Three'), onThread);
    expect((await third.withResponse()).response.headers.get('x-chiron-thread-key')).toBe(key);
    expect(await third.finalText()).toContain('This is turn 3 of this thread. You said: Three');
  });

  it('continues a conversation by sending its full history, without naming its thread', async () => {
    const { messages } = newClient();
    const first = { role: 'user' as const, content: 'Remember the heron' };
    const { content } = await messages.create({ ...asking(''), messages: [first] });
    const next = { role: 'user' as const, content: 'Which bird was it?' };
    const conversation = [first, { role: 'assistant' as const, content }, next];
    const answer = await messages.stream({ ...asking(''), messages: conversation }).finalMessage();
    expect(said(answer)).toContain('This is turn 2 of this thread. You said: Which bird was it?');
  });

  it('can send images, documents and everything else that its types have', async () => {
    const message = await newClient().messages.create({
      ...asking(''),
      system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } },
            { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'A text.' }, title: 'It' },
            { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: PDF } },
            { type: 'text', text: 'What is this?' },
          ],
        },
      ],
      metadata: { user_id: 'somebody' },
      stop_sequences: ['never'],
      tools: [{ name: 'get_weather', input_schema: { type: 'object' } }],
      tool_choice: { type: 'auto' },
      thinking: { type: 'enabled', budget_tokens: 1024 },
      service_tier: 'auto',
    });
    expect(said(message)).toContain('You said: What is this?');
  });

  it('attaches to a turn that it aborted, with the same request', async () => {
    const client = newClient();
    const onThread = { headers: { 'x-chiron-thread-key': `api:left-${packageName}` } };
    const left = client.messages.stream(asking('/stream 40 25'), onThread);
    const id = await new Promise<string>((resolve, reject) => {
      left
        .on('streamEvent', (event, { id }) => event.type === 'content_block_delta' && resolve(id))
        .on('error', reject);
    });
    left.abort();
    await expect(left.done()).rejects.toBeInstanceOf(sdk.APIUserAbortError);
    const message = await client.messages.create(asking('/stream 40 25'), onThread);
    expect(message.id).toBe(id);
    expect(said(message)).toContain('word39');
  });
});
