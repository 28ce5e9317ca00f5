import { below, chance, many, maybe, type Random, weighted } from '../draw.js';
import type { JsonFields, JsonNode } from './json-node.js';
import { oddString } from './odd.js';

const CACHE_CONTROLS: readonly JsonNode[] = [
  { type: 'ephemeral' },
  { type: 'ephemeral', ttl: '1h' },
  null,
  { type: 'permanent' },
];

const REMINDER = '<system-reminder>\nNot by the user.\n</system-reminder>';

/** A text block. */
export function textBlock(random: Random, text: string): JsonFields {
  return {
    type: 'text',
    text,
    ...maybe(random, 0.2, () => ({ cache_control: random.pick(CACHE_CONTROLS) })),
    ...maybe(random, 0.1, () => ({ citations: random.pick<JsonNode>([null, [], [{ type: 'char_location' }]]) })),
  };
}

/** The content of a user's message that says `text`; every agent can be handed what is in it. */
export function plainContent(random: Random, text: string): JsonNode {
  if (chance(random, 0.4)) return text;
  return [
    ...(chance(random, 0.2) ? [textBlock(random, REMINDER)] : []),
    textBlock(random, text),
    ...many(random.pick([0, 0, 0, 1, 3]), () => plainBlock(random)),
  ];
}

/** A block of a user's message that is of a kind that agents can be handed. */
function plainBlock(random: Random): JsonFields {
  return weighted(random, [
    [3, () => textBlock(random, random.pick(['more', 'und mehr', '漢字', '\u2028', 'x'.repeat(300)]))],
    [1, () => ({ type: 'image', source: imageSource(random) })],
    [1, () => document(random)],
    [1, () => searchResult(random)],
    [1, () => toolResult(random)],
  ])();
}

function imageSource(random: Random): JsonFields {
  return random.pick<JsonFields>([
    { type: 'base64', media_type: 'image/png', data: 'aGk=' },
    { type: 'url', url: 'https://example.com/a.png' },
  ]);
}

function document(random: Random): JsonFields {
  const source = random.pick<JsonFields>([
    { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' },
    { type: 'text', media_type: 'text/plain', data: 'A text.' },
    { type: 'content', content: [{ type: 'text', text: 'in blocks' }] },
    { type: 'content', content: 'as a string' },
    { type: 'url', url: 'https://example.com/a.pdf' },
  ]);
  return { type: 'document', source, ...maybe(random, 0.5, () => ({ title: 'A', context: 'where it is from' })) };
}

function searchResult(random: Random): JsonFields {
  return { type: 'search_result', source: 'https://e.org', title: 'Found', content: [textBlock(random, 'a result')] };
}

function toolResult(random: Random): JsonFields {
  return {
    type: 'tool_result',
    tool_use_id: `toolu_${below(random, 1000)}`,
    ...maybe(random, 0.9, () => ({
      content: random.pick<JsonNode>([
        '42',
        [{ type: 'text', text: '42' }],
        [{ type: 'image', source: imageSource(random) }],
        [],
      ]),
    })),
    ...maybe(random, 0.3, () => ({ is_error: random.pick([true, false]) })),
  };
}

/** Every kind of block that a conversation may hold, and one that nobody knows. */
export const HISTORY_BLOCKS: readonly ((random: Random) => JsonFields)[] = [
  (random) => textBlock(random, oddString(random)),
  (random) => plainBlock(random),
  () => ({ type: 'thinking', thinking: 'hm', signature: 'c2ln' }),
  () => ({ type: 'redacted_thinking', data: 'c2VhbGVk' }),
  (random) => ({ type: 'tool_use', id: `toolu_${below(random, 1000)}`, name: 'Bash', input: { command: 'ls' } }),
  () => ({ type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'x' } }),
  () => ({ type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [] }),
  () => ({ type: 'web_fetch_tool_result', tool_use_id: 'srvtoolu_1', content: { type: 'web_fetch_result' } }),
  () => ({ type: 'code_execution_tool_result', tool_use_id: 'srvtoolu_1', content: { return_code: 0 } }),
  () => ({ type: 'bash_code_execution_tool_result', tool_use_id: 'srvtoolu_1', content: { stdout: '' } }),
  () => ({ type: 'text_editor_code_execution_tool_result', tool_use_id: 'srvtoolu_1', content: {} }),
  () => ({ type: 'tool_search_tool_result', tool_use_id: 'srvtoolu_1', content: { tool_references: [] } }),
  () => ({ type: 'container_upload', file_id: 'file_1' }),
  () => ({ type: 'mcp_tool_use', id: 'mcptoolu_1', name: 'shell', server_name: 'agent', input: {} }),
  () => ({ type: 'mcp_tool_result', tool_use_id: 'mcptoolu_1', is_error: false, content: [] }),
  () => ({ type: 'mcp_tool_listing', server_name: 'agent', tools: [] }),
  () => ({ type: 'advisor_tool_result', tool_use_id: 'srvtoolu_1', content: {} }),
  () => ({ type: 'compaction', content: 'what was said' }),
  () => ({ type: 'fallback', model: 'claude-haiku-4-5' }),
  () => ({ type: 'tool_addition', tools: [] }),
  () => ({ type: 'tool_removal', names: ['Bash'] }),
  () => ({ type: 'agent_activity', what: { ever: [1, null] } }),
];
