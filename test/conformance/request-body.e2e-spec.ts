// Over 250 lines: keeps everything that a request may contain in one place.
import { describe, expect, it } from 'vitest';
import type { PromptBlock } from '../../src/domain/prompt.js';
import type { Message } from '../../src/anthropic/stream-event.js';
import { ask, converse, thread } from '../support/requests.js';
import { ConformanceServer, CLAUDE_CODE, expectError, idOf } from './support/server.js';

const server = new ConformanceServer();

const CACHE = { cache_control: { type: 'ephemeral' } };
const TOOL = { name: 'look', input_schema: { type: 'object' } };
const SCHEMA = { type: 'object', properties: { answer: { type: 'string' } } };

describe('fields', () => {
  const fields: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
    ['a system prompt that is a string', { system: 'Be brief.' }],
    ['a system prompt of blocks', { system: [{ type: 'text', text: 'Be brief.', ...CACHE }] }],
    ['stop_sequences', { stop_sequences: ['never said'] }],
    ['temperature, top_p and top_k', { temperature: 1, top_p: 0.5, top_k: 5 }],
    ['enabled thinking', { thinking: { type: 'enabled', budget_tokens: 1024, display: 'summarized' } }],
    ['adaptive thinking', { thinking: { type: 'adaptive', display: 'omitted' } }],
    ['disabled thinking', { thinking: { type: 'disabled' } }],
    ['thinking between tools', { thinking: { type: 'between_tools' } }],
    ['displays that only Claude Code knows', { thinking: { type: 'adaptive', display: 'highlights' } }],
    [
      'tools',
      {
        tools: [
          TOOL,
          { type: 'web_search_20250305', name: 'web_search' },
          { ...TOOL, name: 'hear', defer_loading: true },
        ],
      },
    ],
    ['tool_choice auto', { tools: [TOOL], tool_choice: { type: 'auto', disable_parallel_tool_use: true } }],
    ['tool_choice none', { tools: [TOOL], tool_choice: { type: 'none' } }],
    ['metadata.user_id', { metadata: { user_id: 'somebody' } }],
    ['service_tier', { service_tier: 'standard_only' }],
    ['speed', { speed: 'fast' }],
    ['output_config.effort', { output_config: { effort: 'xhigh', task_budget: { type: 'tokens', total: 5 } } }],
    ['cache_control', CACHE],
    ['a container', { container: { id: 'container_1', skills: [] } }],
    ['diagnostics', { diagnostics: { previous_message_id: 'msg_1' } }],
    ['inference_geo', { inference_geo: 'eu' }],
    ['context_management', { context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] } }],
    ['fallbacks', { fallbacks: [{ model: 'claude-haiku-5-5' }], fallback_credit_token: 'x' }],
    ['compaction', { compaction: { type: 'auto' } }],
    ['billing_policy', { billing_policy: 'default' }],
    ['safeguards', { safeguards: [{ type: 'dangerous_tool_use' }] }],
    ['a new message thread', { thread: { type: 'create' } }],
    ['unknown fields', { from_the_future: { deep: [1] }, another: null }],
  ];

  it.each(fields)('A.3 a request may have %s', async (name, more) => {
    const { body } = await server.post(ask(`with ${name}`, more)).expect(200);
    expect((body as Message).content).toMatchObject([{ text: 'fine' }]);
  });

  it('A.3 output_config.format and the older output_format select an answer in JSON that follows a schema', async () => {
    for (const more of [
      { output_config: { format: { type: 'json_schema', schema: SCHEMA } } },
      { output_format: { type: 'json_schema', schema: SCHEMA } },
    ]) {
      const prompt = `as ${Object.keys(more).join()}`;
      const { message } = await server.answer(prompt, (run) => run.answer('{"answer":"yes"}'), more);
      expect(message.content).toMatchObject([{ type: 'text', text: '{"answer":"yes"}' }]);
      expect(server.harness.runsOf(prompt)[0]?.turn.outputSchema).toEqual(SCHEMA);
    }
  });

  it('A.3 a tool_choice of one tool makes the answer a call of that tool, with its schema', async () => {
    const more = { tools: [{ ...TOOL, input_schema: SCHEMA }], tool_choice: { type: 'tool', name: 'look' } };
    const { message } = await server.answer('choose it', (run) => run.answer('{"answer":"yes"}'), more);
    expect(message).toMatchObject({
      content: [{ type: 'tool_use', name: 'look', input: { answer: 'yes' } }],
      stop_reason: 'tool_use',
    });
  });

  it.each([false, true])('A.3 max_tokens 0 is accepted and gets no output (stream: %s)', async (stream) => {
    const response = await server.post(ask('warm the cache', { max_tokens: 0, stream })).expect(200);
    expect(response.text).toContain('"stop_reason":"max_tokens"');
    expect(response.text).toContain('"content":[]');
    expect(response.text).not.toContain('content_block');
    expect(server.harness.runsOf('warm the cache')).toEqual([]);
  });

  it('A.3 a request may have at most 100,000 messages', async () => {
    const texts = Array.from({ length: 99_999 }, (_, index) => `m${index}`);
    await server.post(converse(texts)).expect(200);
    expect(server.harness.runs.at(-1)?.turn.prompt).toEqual([{ type: 'text', text: 'm99998' }]);
    const tooMany = [...texts, 'and', 'more'];
    expectError(await server.post(converse(tooMany)), 400, 'invalid_request_error', /^messages/);
  });
});

describe('messages', () => {
  const promptOf = async (messages: readonly object[], headers = {}): Promise<readonly PromptBlock[]> => {
    await server.post(ask('', { messages }), headers).expect(200);
    return server.harness.runs.at(-1)?.turn.prompt ?? [];
  };
  const said = (text: string): readonly PromptBlock[] => [{ type: 'text', text }];

  it('A.3 content is a string or a list of blocks', async () => {
    expect(await promptOf([{ role: 'user', content: 'a string' }])).toEqual(said('a string'));
    expect(await promptOf([{ role: 'user', content: [{ type: 'text', text: 'a block' }] }])).toEqual(said('a block'));
  });

  it('A.3 system messages may have effort, clear_at, tool changes or no content', async () => {
    const messages = [
      { role: 'system', content: 'a', output_config: { effort: 'low' }, clear_at: 'next_user_message' },
      { role: 'user', content: 'before' },
      { role: 'assistant', content: 'I see.' },
      {
        role: 'system',
        content: [
          { type: 'tool_addition', tool: TOOL },
          { type: 'tool_removal', name: 'look' },
        ],
      },
      { role: 'user', content: 'the prompt' },
      { role: 'system', clear_at: 'never' },
    ];
    expect((await promptOf(messages)).at(-1)).toEqual({ type: 'text', text: 'the prompt' });
  });

  it('A.3 consecutive messages may have the same role, and trailing user messages are one prompt', async () => {
    const two = [
      { role: 'user', content: 'Here is a document.' },
      { role: 'user', content: [{ type: 'text', text: 'Sum it up.' }] },
    ];
    expect(await promptOf(two)).toEqual([...said('Here is a document.'), ...said('Sum it up.')]);
    expect(server.harness.runs.at(-1)?.turn.seed).toBeUndefined();
    const messages = [
      { role: 'user', content: 'one' },
      { role: 'user', content: 'two' },
      { role: 'assistant', content: 'I' },
      { role: 'assistant', content: 'see.' },
      { role: 'user', content: 'three' },
    ];
    expect(await promptOf(messages)).toEqual(said('three'));
  });

  it('A.3 a trailing assistant message is rejected: agents cannot continue a prefilled answer', async () => {
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'I' },
    ];
    expectError(await server.post(ask('', { messages })), 400, 'invalid_request_error', /prefill/);
  });

  /** Every kind of block that the official SDK (1.12.0) types for a request. */
  const USER_BLOCKS = [
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
    { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
    { type: 'image', source: { type: 'file', file_id: 'file_1' } },
    { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'aGk=' } },
    { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'd' }, title: 'A', context: 'c' },
    { type: 'document', source: { type: 'content', content: [{ type: 'text', text: 'd' }] } },
    { type: 'document', source: { type: 'file', file_id: 'file_1' } },
    { type: 'search_result', source: 's', title: 't', content: [{ type: 'text', text: 'r' }] },
    { type: 'tool_result', tool_use_id: 'toolu_1', content: 'text' },
    {
      type: 'tool_result',
      tool_use_id: 'toolu_1',
      is_error: true,
      content: [{ type: 'tool_reference', tool_name: 'x' }],
    },
    { type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'browser_state' }], ...CACHE },
    { type: 'container_upload', file_id: 'file_1' },
  ];
  const ASSISTANT_BLOCKS = [
    { type: 'thinking', thinking: 'x', signature: 'y' },
    { type: 'redacted_thinking', data: 'z' },
    { type: 'tool_use', id: 'toolu_1', name: 'look', input: {} },
    { type: 'server_tool_use', id: 'srvtoolu_1', name: 'bash_code_execution', input: { command: 'ls' } },
    ...[
      'web_search',
      'web_fetch',
      'code_execution',
      'bash_code_execution',
      'text_editor_code_execution',
      'tool_search',
      'advisor',
    ].map((tool) => ({ type: `${tool}_tool_result`, tool_use_id: 'srvtoolu_1', content: {} })),
    { type: 'mcp_tool_use', id: 'mcptoolu_1', name: 'look', server_name: 'agent', input: {} },
    { type: 'mcp_tool_result', tool_use_id: 'mcptoolu_1', is_error: false, content: [] },
    { type: 'mcp_tool_listing', server_name: 'agent', tools: [] },
    { type: 'compaction', content: 'c' },
    { type: 'fallback', from: {}, to: {} },
    { type: 'agent_activity', anything: true },
  ];

  it('A.3 the history may have every type of block, unknown ones included', async () => {
    const messages = [
      { role: 'user', content: [{ type: 'text', text: 'look' }, ...USER_BLOCKS] },
      { role: 'assistant', content: [{ type: 'text', text: 'I see.' }, ...ASSISTANT_BLOCKS] },
      { role: 'user', content: 'and now?' },
    ];
    expect(await promptOf(messages)).toEqual(said('and now?'));
  });

  it('A.3 images, documents, search results and tool results reach the agent', async () => {
    const content = USER_BLOCKS.filter(
      (block) => block.type !== 'container_upload' && !('source' in block && JSON.stringify(block).includes('file_1')),
    );
    const prompt = await promptOf([{ role: 'user', content }]);
    expect(prompt.map(({ type }) => type)).toEqual([
      'image',
      'image',
      'document',
      'document',
      'document',
      'text',
      'text',
      'text',
      'text',
    ]);
  });

  it.each([
    ['image', USER_BLOCKS[2]],
    ['document', USER_BLOCKS[6]],
    ['container_upload', USER_BLOCKS.at(-1)],
  ])('A.3 a file of the Files API that is not there is a not_found_error that names its id: %s', async (_, block) => {
    const body = ask([block, { type: 'text', text: 'read it' }]);
    expectError(await server.post(body), 404, 'not_found_error', /file_1/);
  });
});

describe('a turn of Claude Code', () => {
  const reminder = { type: 'text', text: '<system-reminder>\nAttribution for git commits…\n</system-reminder>' };
  const environment = '# Environment\nYou have been invoked…';
  const system = [
    { type: 'text', text: 'x-anthropic-billing-header: cc_version=2.1.330.765; cc_entrypoint=sdk-cli;' },
    { type: 'text', text: "You are a Claude agent, built on Anthropic's Claude Agent SDK.", ...CACHE },
    { type: 'text', text: '\nYou are an agent working with…', ...CACHE },
  ];
  const body = (messages: readonly object[]) => ({
    model: 'claude-opus-5-5',
    max_tokens: 128_000,
    thinking: { type: 'adaptive', display: 'omitted' },
    tools: [
      { ...TOOL, name: 'Bash' },
      { name: 'DeferredToolPlaceholder', defer_loading: true },
    ],
    system,
    messages,
    stream: false,
  });
  const first = [
    { role: 'user', content: [reminder, { type: 'text', text: 'Reply PING' }] },
    {
      role: 'system',
      content: [{ type: 'text', text: environment, ...CACHE }],
      output_config: { effort: 'medium' },
    },
  ];

  it('A.3 the prompt of a Claude Code turn is the text of its user, without reminders and environment', async () => {
    await server.post(body(first), { ...CLAUDE_CODE, ...thread('reply ping') }).expect(200);
    expect(server.harness.runsOf('Reply PING')).toHaveLength(1);
    const [run] = server.harness.runsOf('Reply PING');
    expect(run?.turn.prompt).toEqual([{ type: 'text', text: 'Reply PING' }]);
    expect(run?.thread.systemPrompt).not.toContain('x-anthropic-billing-header');
  });

  it('A.3 a Claude Code turn is the same turn if a system message becomes a string and cache markers move', async () => {
    const headers = { ...CLAUDE_CODE, ...thread('moved') };
    const said = [
      { role: 'user', content: [reminder, { type: 'text', text: 'moved' }] },
      { role: 'system', content: [{ type: 'text', text: environment, ...CACHE }] },
    ];
    const again = [
      { role: 'user', content: [reminder, { type: 'text', text: 'moved', ...CACHE }] },
      { role: 'system', content: environment },
      { role: 'system', content: '<total_tokens>14999888 tokens left</total_tokens>' },
    ];
    const one = await server.post(body(said), headers).expect(200);
    const other = await server.post(body(again), headers).expect(200);
    expect(idOf(other)).toBe(idOf(one));
    expect(server.harness.runsOf('moved')).toHaveLength(1);
  });
});
