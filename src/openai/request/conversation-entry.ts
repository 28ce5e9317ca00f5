import type { JsonObject } from '../../domain/harness-event.js';
import { parseObject, toText } from '../../domain/json.js';
import type { Prompt, PromptBlock } from '../../domain/prompt.js';
import { SeedBuilder } from '../../domain/seed/seed-builder.js';
import { CALLER_SERVER, type SeedBlock, type SeedMessage } from '../../domain/seed/seed-message.js';
import { ServiceError } from '../../domain/service-error.js';
import type { TextFilter } from '../../domain/text-filter.js';
import type { InputField } from '../errors/openai-error.js';
import type { GivenResults } from '../../turns/matching/caller-results.js';

/** Maximum text of a history that seeds a new agent: more would not fit into the context of every model. */
const MAX_SEED_CHARS = 400_000;

/** A message of the conversation of a request, or several items of one role. */
export interface ConversationEntry {
  readonly role: 'user' | 'assistant' | 'instructions';
  readonly blocks: readonly SeedBlock[];
  /** The place of its item in the input. */
  readonly index: number;
}

/** What a request says that is new. */
export interface NewestInput {
  /** All of it. Outputs of tools are texts that name their calls. */
  readonly prompt: Prompt;
  /** The outputs of the caller's tools, for an agent that waits for them; `undefined` for none. */
  readonly toolResults: GivenResults | undefined;
}

/** Returns the place of the first entry after the last one of the agent. */
export function findNewest(entries: readonly ConversationEntry[]): number {
  return entries.findLastIndex(({ role }) => role === 'assistant') + 1;
}

/** Returns the entries that are new: those after the last one of the agent, without the system prompt before the conversation. */
export function sliceNewest(entries: readonly ConversationEntry[]): readonly ConversationEntry[] {
  const leading = entries.findIndex(({ role }) => role !== 'instructions');
  return entries.slice(Math.max(findNewest(entries), leading));
}

/**
 * Reads the prompt from the newest entries: the user's messages, after a reminder with the developer's among them.
 *
 * @param filter removes what the client adds to its user's texts. If nothing else is left, it is not applied.
 * @param inputField the field of the API that has the conversation.
 * @throws ServiceError (`bad_request`) if there is nothing for the agent.
 */
export function readNewest(
  entries: readonly ConversationEntry[],
  filter: TextFilter,
  inputField: InputField,
): NewestInput {
  const said = entries.filter(({ role }) => role === 'user').flatMap(({ blocks }) => blocks);
  const written = filterBlocks(said, filter);
  const kept = written.length > 0 ? written : filterBlocks(said, (text) => text);
  if (kept.length === 0) {
    throw new ServiceError(
      'bad_request',
      `${inputField}: must end with a message of the user, or with the output of a tool`,
    );
  }
  const notes = toReminder(entries.filter(({ role }) => role === 'instructions').flatMap(({ blocks }) => blocks));
  const prompt = [...notes, ...kept.flatMap(toPromptBlocks)];
  const results = kept.flatMap((block) =>
    block.type === 'tool-result' ? [{ callId: block.id, content: block.content, isError: block.isError }] : [],
  );
  if (results.length === 0) return { prompt, toolResults: undefined };
  const beside = kept.filter(({ type }) => type !== 'tool-result').flatMap(toPromptBlocks);
  return { prompt, toolResults: { results, promptBeside: beside.length === 0 ? [] : [...notes, ...beside] } };
}

/** Joins the texts of the developer's messages before the first of the conversation: the system prompt that the input has. */
export function readLeadingInstructions(entries: readonly ConversationEntry[]): readonly string[] {
  const first = entries.findIndex(({ role }) => role !== 'instructions');
  return entries.slice(0, first === -1 ? entries.length : first).flatMap(({ blocks }) => texts(blocks));
}

/** Makes a seed of entries, without the developer's messages, which are for the caller's own agent. */
export function toInputSeed(entries: readonly ConversationEntry[], filter: TextFilter): readonly SeedMessage[] {
  const builder = new SeedBuilder();
  for (const { role, blocks } of entries) {
    if (role === 'instructions') continue;
    for (const block of role === 'user' ? filterBlocks(blocks, filter) : blocks) builder.add(role, block);
  }
  return builder.build(MAX_SEED_CHARS);
}

/** Converts entries to the form in which conversations are hashed and compared. */
export function toComparable(entries: readonly ConversationEntry[]): readonly JsonObject[] {
  return entries.map(({ role, blocks }) => ({
    role: role === 'instructions' ? 'system' : role,
    content: blocks.map(toComparableBlock),
  }));
}

/** Makes a call of the caller's tool out of what the caller sends back: its JSON, or the one text that a custom tool gets. */
export function toCallBlock(id: unknown, name: unknown, sent: unknown): SeedBlock {
  const input = typeof sent === 'string' ? parseObject(sent) : undefined;
  return {
    type: 'tool-call',
    id: toText(id),
    name: toText(name),
    server: CALLER_SERVER,
    input: input ?? { input: toText(sent) },
  };
}

function toComparableBlock(block: SeedBlock): JsonObject {
  switch (block.type) {
    case 'tool-call':
      return { type: 'tool_use', id: block.id, name: block.name, input: block.input };
    case 'tool-result':
      return {
        type: 'tool_result',
        tool_use_id: block.id,
        content: block.content.map(toComparableBlock),
        is_error: block.isError,
      };
    case 'text':
      return { type: 'text', text: block.text };
    case 'image':
      return { type: 'image', source: block.source };
    case 'file':
      return {
        type: 'document',
        source: { type: 'file', file_id: block.id, use: block.use },
        title: block.name ?? null,
      };
    case 'document':
      return { type: 'document', source: block.source, title: block.title ?? null };
    default:
      return block satisfies never;
  }
}

function filterBlocks(blocks: readonly SeedBlock[], filter: TextFilter): readonly SeedBlock[] {
  return blocks.flatMap((block): readonly SeedBlock[] => {
    if (block.type !== 'text') return [block];
    const text = filter(block.text);
    return text.trim() === '' ? [] : [{ ...block, text }];
  });
}

function toPromptBlocks(block: SeedBlock): readonly PromptBlock[] {
  switch (block.type) {
    case 'tool-call':
      return [];
    case 'tool-result':
      return [{ type: 'text', text: `[output of the caller’s tool call ${block.id}]` }, ...block.content];
    case 'text':
    case 'image':
    case 'document':
    case 'file':
      return [block];
    default:
      return block satisfies never;
  }
}

function toReminder(blocks: readonly SeedBlock[]): Prompt {
  const note = texts(blocks).join('\n');
  return note === '' ? [] : [{ type: 'text', text: `<system-reminder>\n${note}\n</system-reminder>` }];
}

function texts(blocks: readonly SeedBlock[]): readonly string[] {
  return blocks.flatMap((block) => (block.type === 'text' ? [block.text] : []));
}
