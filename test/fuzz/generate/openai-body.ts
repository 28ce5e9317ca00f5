import { below, chance, many, maybe, type Random } from '../draw.js';
import type { JsonFields, JsonNode } from './json-node.js';

/** A request to one of OpenAI's APIs that could not be refused. */
export interface OpenaiRequest {
  readonly target: string;
  readonly body: JsonFields;
}

const TOOL = { name: 'look', parameters: { type: 'object', properties: {} } };
const MODELS = ['demo', 'claude-opus-5-5', 'gpt-6'];

/** A good request to Chat Completions or the Responses API, with the marker in its prompt. */
export function openaiRequest(random: Random, marker: string): OpenaiRequest {
  const shared = {
    model: random.pick(MODELS),
    ...maybe(random, 0.6, () => ({ stream: random.pick<JsonNode>([true, true, false, null]) })),
    ...maybe(random, 0.3, () => ({ user: `user ${below(random, 3)}` })),
    ...maybe(random, 0.2, () => ({ temperature: 0.5, metadata: { a: 'b' }, parallel_tool_calls: false })),
  };
  const messages = [...history(random), { role: 'user', content: said(random, marker) }];
  return chance(random, 0.5)
    ? {
        target: '/v1/chat/completions',
        body: {
          ...shared,
          messages,
          ...maybe(random, 0.3, () => ({ stream_options: { include_usage: true } })),
          ...maybe(random, 0.2, () => ({ tools: [{ type: 'function', function: TOOL }] })),
          ...maybe(random, 0.2, () => ({ stop: random.pick<JsonNode>(['ok', ['a', 'b'], null]) })),
        },
      }
    : {
        target: '/v1/responses',
        body: {
          ...shared,
          input: chance(random, 0.3) ? `${marker} hello` : messages,
          ...maybe(random, 0.3, () => ({ instructions: 'Be brief.' })),
          ...maybe(random, 0.2, () => ({ tools: [{ type: 'function', ...TOOL }] })),
          ...maybe(random, 0.2, () => ({ include: ['reasoning.encrypted_content'], store: false })),
        },
      };
}

function history(random: Random): readonly JsonNode[] {
  const turns = many(below(random, 6), (index) => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    content: chance(random, 0.5) ? `said ${index}` : [{ type: 'text', text: `said ${index}` }],
  }));
  return [...(chance(random, 0.3) ? [{ role: 'system', content: 'Be kind.' }] : []), ...turns];
}

function said(random: Random, marker: string): JsonNode {
  const text = `${marker} ${random.pick(['hello', 'please think', '漢字かな', '🙂 ok?', '\u2028'])}`;
  return chance(random, 0.5) ? text : [{ type: 'text', text }];
}
