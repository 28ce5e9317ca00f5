import { below, chance, many, maybe, type Random, weighted } from '../draw.js';
import { answerForm, answerSchema } from './answer-form.js';
import { HISTORY_BLOCKS, plainContent, textBlock } from './blocks.js';
import type { JsonFields, JsonNode } from './json-node.js';
import { oddString } from './odd.js';

/** What a body is to be about. */
export interface BodyWishes {
  /** Stands in the prompt, so that the turn that comes of it can be found. */
  readonly marker: string;
  /** Ids of messages that the server has answered with. */
  readonly messageIds: readonly string[];
}

/** A body of the schema's shape. */
export interface MessagesBody {
  readonly body: JsonFields;
  /** Nothing in it could be refused: a server that does is wrong. */
  readonly isPlain: boolean;
}

const MODELS = [
  'demo',
  'claude-opus-5-5',
  'claude-haiku-4-5',
  'claude-sonnet-5[1m]',
  'gpt-6',
  'demo/anything',
  'ünïcode',
];

const WORDS = [
  'hello',
  'please think',
  'list the files',
  '漢字かな',
  '🙂 ok?',
  'two\nlines',
  'a "quoted" word',
  '\u2028',
];

/** What the demo agent can be asked to do; the `!` ones meet a shell that does nothing. */
const COMMANDS = [
  '/stream 20 0',
  '/stream 300 0 1',
  // Long enough to be cancelled, interrupted and waited for.
  '/stream 40 5',
  '/stream 40 5',
  '/fail overloaded',
  '/fail rate_limit',
  '/fail timeout',
  '/fail context_too_long',
  '/fail authentication',
  '!true',
];

const CUT_OFF = 'Your response above was cut off mid-stream.';

/** A request to `POST /v1/messages` with a random choice of what the schema allows. */
export function messagesBody(random: Random, wishes: BodyWishes): MessagesBody {
  const isCommand = chance(random, 0.03);
  const prompt = isCommand
    ? `${random.pick(COMMANDS)} ${wishes.marker}`
    : `${wishes.marker} ${random.pick(WORDS)}${chance(random, 0.15) ? oddString(random) : ''}`;
  const rare = rareFields(random, wishes);
  return {
    body: {
      model: random.pick(MODELS),
      max_tokens: random.pick([2, 64, 1024, 64_000]),
      messages: [...history(random), ...lastUser(random, prompt, wishes.marker), ...trailing(random)],
      ...maybe(random, 0.6, () => ({ stream: random.pick<JsonNode>([true, true, false, null]) })),
      ...maybe(random, 0.3, () => ({ system: system(random) })),
      ...maybe(random, 0.4, () => openFields(random)),
      ...rare,
    },
    isPlain: !isCommand && Object.keys(rare).length === 0,
  };
}

function history(random: Random): readonly JsonNode[] {
  const length = weighted(random, [
    [6, 0],
    [3, 2],
    [2, below(random, 12)],
    [0.1, 600],
  ]);
  return many(length, (index) => {
    if (chance(random, 0.1)) return { role: 'system', content: 'Mid-conversation.', clear_at: 'next_user_message' };
    const content = chance(random, 0.5) ? `said ${index}` : many(1 + below(random, 3), () => block(random));
    return { role: index % 2 === 0 ? 'user' : 'assistant', content };
  });
}

/**
 * What the user says last; also as Claude Code tells of an interruption, and as it asks for the rest of a cut answer. Of another
 * caller those words are a prompt, so they have the marker too.
 */
function lastUser(random: Random, prompt: string, marker: string): readonly JsonNode[] {
  const said = { role: 'user', content: plainContent(random, prompt) };
  return weighted<readonly JsonNode[]>(random, [
    [30, [said]],
    [1, [{ role: 'user', content: [{ type: 'text', text: '[Request interrupted by user]' }] }, said]],
    [
      1,
      [
        said,
        { role: 'assistant', content: 'This is' },
        { role: 'user', content: `${CUT_OFF} Resume directly. ${marker}` },
      ],
    ],
    [
      1,
      [
        said,
        { role: 'assistant', content: [{ type: 'text', text: 'Something else' }] },
        { role: 'user', content: `${CUT_OFF} Write the complete response again from the start. ${marker}` },
      ],
    ],
  ]);
}

function block(random: Random): JsonFields {
  return random.pick(HISTORY_BLOCKS)(random);
}

/** Context that clients put after the prompt. */
function trailing(random: Random): readonly JsonNode[] {
  if (chance(random, 0.85)) return [];
  return [
    random.pick<JsonNode>([
      { role: 'system', content: '<total_tokens>100 tokens left</total_tokens>' },
      { role: 'system', content: [textBlock(random, '# Environment')], output_config: { effort: 'medium' } },
      { role: 'system' },
    ]),
  ];
}

function system(random: Random): JsonNode {
  return random.pick<JsonNode>([
    'Be brief.',
    '',
    [
      textBlock(random, 'x-anthropic-billing-header: cc_version=2.1.330;'),
      textBlock(random, 'You are a Claude agent.'),
    ],
    [],
    null,
    `\u0000 ${oddString(random)}`,
  ]);
}

/** Fields that no server may refuse, whether it knows them or not. */
function openFields(random: Random): JsonFields {
  const sometimes = (make: () => JsonFields): JsonFields => (chance(random, 0.25) ? make() : {});
  return {
    ...sometimes(() => ({ stop_sequences: many(below(random, 3), () => 'STOP') })),
    ...sometimes(() => ({ thinking: thinking(random) })),
    ...sometimes(() => ({ metadata: metadata(random) })),
    ...sometimes(() => ({ service_tier: random.pick(['auto', 'standard_only']), speed: 'standard' })),
    ...sometimes(() => ({ cache_control: { type: 'ephemeral' }, inference_geo: 'eu' })),
    ...sometimes(() => ({ output_config: { effort: random.pick(['low', 'medium', 'high', 'xhigh', 'max']) } })),
    ...sometimes(() => ({ context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] } })),
    ...sometimes(() => ({ from_the_future: { a: [oddString(random)] } })),
  };
}

function thinking(random: Random): JsonFields {
  return random.pick<JsonFields>([
    { type: 'adaptive', display: 'omitted' },
    { type: 'enabled', budget_tokens: 1024 },
    { type: 'disabled' },
    { type: 'between_tools' },
  ]);
}

function metadata(random: Random): JsonFields {
  const session = `fuzz-${below(random, 40)}`;
  return random.pick<JsonFields>([
    {},
    { user_id: 'me' },
    { user_id: JSON.stringify({ device_id: 'ab', account_uuid: '', session_id: session }) },
    { user_id: '{"session_id":5}' },
    { user_id: '{broken' },
    { user_id: null },
  ]);
}

/** Fields that a server may refuse, for what they say or for what it cannot do. */
function rareFields(random: Random, { messageIds }: BodyWishes): JsonFields {
  const rarely = (make: () => JsonFields): JsonFields => (chance(random, 0.05) ? make() : {});
  return {
    ...rarely(() => ({ thread: { type: 'create' } })),
    ...rarely(() => ({ thread: { type: 'continue', previous_message_id: previousId(random, messageIds) } })),
    ...rarely(() => ({ diagnostics: { previous_message_id: previousId(random, messageIds) } })),
    ...rarely(() => ({ temperature: 0.5, top_p: 1, top_k: 4 })),
    ...rarely(() => ({ tools: tools(random), tool_choice: toolChoice(random) })),
    ...rarely(() => ({ output_config: { format: answerForm(random) } })),
    ...rarely(() => ({ [random.pick(['output_format', 'thread', 'thinking'])]: answerForm(random) })),
    ...rarely(() => ({ stop_sequences: [oddString(random), 'turn', 'a'] })),
    ...rarely(() => ({ max_tokens: random.pick([0, 1]) })),
    ...rarely(() => ({ mcp_servers: [{ type: 'url', name: 'x', url: 'https://example.com/mcp' }] })),
    ...rarely(() => ({ container: random.pick<JsonNode>(['container_1', { id: 'c', skills: [] }]) })),
    ...rarely(() => ({ safeguards: [{ type: 'dangerous_tool_use' }], fallbacks: ['claude-haiku-4-5'] })),
    ...rarely(() => ({ metadata: { user_id: JSON.stringify({ session_id: oddString(random) }) } })),
    ...rarely(() => ({ model: random.pick(['codex/gpt-6', 'claude-code', 'm'.repeat(5000), oddString(random)]) })),
  };
}

function previousId(random: Random, messageIds: readonly string[]): string {
  const known = messageIds.length === 0 ? 'msg_none' : random.pick(messageIds);
  return random.pick([known, known, 'msg_000000000000000000000000', '', oddString(random)]);
}

/** Tools as clients declare them: their own, the vendor's, and such as nobody knows. */
function tools(random: Random): JsonNode {
  return many(below(random, 4), (index) =>
    random.pick<JsonNode>([
      { name: `tool_${index}`, description: 'A tool.', input_schema: { type: 'object', properties: {} } },
      { name: `tool_${index}`, input_schema: answerSchema(random) },
      { name: 'StructuredOutput', input_schema: answerSchema(random) },
      { name: 'Bash', input_schema: { type: 'object' }, defer_loading: true },
      { type: 'web_search_20250305', name: 'web_search', max_uses: 3 },
      { type: 'mcp_toolset', mcp_server_name: 'x' },
      { name: oddString(random), input_schema: null },
      null,
    ]),
  );
}

function toolChoice(random: Random): JsonNode {
  return random.pick<JsonNode>([
    { type: 'auto' },
    { type: 'any', disable_parallel_tool_use: true },
    { type: 'tool', name: 'tool_0' },
    { type: 'none' },
  ]);
}
