import { createHash } from 'node:crypto';
import type { JsonObject } from '../../../domain/harness-event.js';
import { asArray, asObject, asString } from '../../../domain/json.js';
import type { PromptBlock } from '../../../domain/prompt.js';
import type { SeedBlock, SeedMessage } from '../../../domain/seed/seed-message.js';
import { toCarriedName } from '../../caller-tool-names.js';
import type { Upload } from '../../prompt/prompt-parts.js';
import { toCodexInput } from '../app-server/input.js';
import { CALLER_NAMESPACE, toCodexToolName } from '../caller-tools/carried-tools.js';
import { toOutputItem, toToolOutput } from '../caller-tools/tool-output.js';
import type { RolloutLine } from '../record/rollout-lines.js';

/** OpenAI's limit on the ids of calls, and on the names of functions. */
const MAX_ID_LENGTH = 64;

/** An earlier conversation as Codex takes it. */
export interface SeedItems {
  /** `ResponseItem[]` of `thread/inject_items` (Codex 0.169.0). */
  readonly items: readonly JsonObject[];
  /** Files that must be there before the agent reads them. */
  readonly uploads: readonly Upload[];
}

/** The earlier messages in Codex's own form: messages, calls under the names that Codex knows, and their outputs. */
export function toSeedItems(seed: readonly SeedMessage[], uploadFolder: string): SeedItems {
  const parts = seed.flatMap((message) => toParts(message, uploadFolder));
  return { items: parts.map(({ item }) => item), uploads: parts.flatMap(({ uploads }) => uploads) };
}

interface Part {
  readonly item: JsonObject;
  readonly uploads: readonly Upload[];
}

type TextBlock = Extract<SeedBlock, PromptBlock>;

function toParts({ role, content }: SeedMessage, uploadFolder: string): readonly Part[] {
  const parts: Part[] = [];
  let texts: TextBlock[] = [];
  const flush = (): void => {
    if (texts.length > 0) parts.push(toMessage(role, texts, uploadFolder));
    texts = [];
  };
  for (const block of content) {
    if (block.type !== 'tool-call' && block.type !== 'tool-result') {
      texts.push(block);
      continue;
    }
    flush();
    parts.push(block.type === 'tool-call' ? { item: toCall(block), uploads: [] } : toResult(block, uploadFolder));
  }
  flush();
  return parts;
}

function toMessage(role: SeedMessage['role'], blocks: readonly TextBlock[], uploadFolder: string): Part {
  const { input, uploads } = toCodexInput(blocks, uploadFolder);
  const type = role === 'user' ? 'input_text' : 'output_text';
  const content = input.map((part): JsonObject => {
    const url = asString(part['url']);
    if (url === undefined) return { type, text: asString(part['text']) ?? '' };
    // OpenAI takes images from users only.
    return role === 'user' ? { type: 'input_image', image_url: url } : { type, text: '[An image]' };
  });
  return { item: { type: 'message', role, content }, uploads };
}

function toCall({ id, name, server, input }: Extract<SeedBlock, { type: 'tool-call' }>): JsonObject {
  const call = { type: 'function_call', call_id: toCallId(id), arguments: JSON.stringify(input) };
  if (server === 'caller') return { ...call, name: toCodexToolName(name), namespace: CALLER_NAMESPACE };
  const full = server === 'agent' ? name : `mcp__${server}__${name}`;
  return { ...call, name: toCarriedName(full, { maxLength: MAX_ID_LENGTH }) };
}

function toResult(block: Extract<SeedBlock, { type: 'tool-result' }>, uploadFolder: string): Part {
  const output = toToolOutput(block, uploadFolder);
  return { item: toOutputItem({ id: toCallId(block.id), isCustom: false }, output), uploads: output.uploads };
}

/** The same for a call and its result. */
function toCallId(id: string): string {
  if (id.length <= MAX_ID_LENGTH) return id;
  return createHash('sha256').update(id).digest('hex').slice(0, MAX_ID_LENGTH);
}

/** How many of the items the end of a recording has: an earlier attempt may have died when it had some, or all of them. */
export function countSeeded(lines: readonly RolloutLine[], items: readonly JsonObject[]): number {
  const recorded = lines.filter(({ type }) => type === 'response_item').map(({ payload }) => toSignature(payload));
  const wanted = items.map(toSignature);
  for (let start = 0; start < recorded.length; start += 1) {
    const differs = wanted.findIndex((signature, index) => recorded[start + index] !== signature);
    const count = differs < 0 ? wanted.length : differs;
    // A part of them counts only if nothing follows it.
    if (differs < 0 || (count > 0 && start + count === recorded.length)) return count;
  }
  return 0;
}

/** What an item says, without what Codex adds to it. */
function toSignature(item: JsonObject): string {
  const parts = [...asArray(item['content']), ...asArray(item['output'])].map(asObject);
  const texts = parts.map((part) => asString(part['text']) ?? asString(part['image_url']) ?? '');
  const fields = ['type', 'role', 'call_id', 'name', 'namespace', 'arguments'].map(
    (name) => asString(item[name]) ?? '',
  );
  return JSON.stringify([...fields, ...texts]);
}
