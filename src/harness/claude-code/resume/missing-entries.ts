import type { SilentEvent } from '../../../domain/event-traits.js';
import type { HarnessEvent, JsonObject, TokenUsage, ToolResultContent } from '../../../domain/harness-event.js';
import { asNumber, asObject, asObjects, asString } from '../../../domain/json.js';
import { toModelToolName } from '../caller-tools/names.js';
import { toResultEntry } from './entries.js';

/** Ids that a transcript holds of a turn: text and thinking blocks, tool calls, and tool results. */
export interface TranscriptIds {
  readonly blocks: ReadonlySet<string>;
  readonly calls: ReadonlySet<string>;
  readonly results: ReadonlySet<string>;
}

/** A model message that is incomplete in the transcript. */
interface LostMessage {
  readonly id: string;
  readonly model: string;
  readonly usage: TokenUsage;
  /** Each with its index in the message. */
  readonly blocks: (readonly [number, JsonObject])[];
  /** Ids of the complete texts and thoughts. */
  readonly blockIds: string[];
  readonly results: JsonObject[];
  /** Whether it has a call, also one that is in the transcript. */
  hasCall: boolean;
  /** Whether the model had completed the message. */
  ended: boolean;
}

/** The id of a block in our events, for the `position`-th entry of its message. */
export function toBlockId(entry: JsonObject, position: number): string {
  const id = asString(asObject(entry['message'])['id']) ?? '';
  return `${id}:${asNumber(entry['apiBlockIndex']) ?? position}`;
}

/**
 * Rebuilds the entries that a dead process had emitted but not written, still without links to the conversation: Claude Code 2.1.330
 * emits a block, and starts its tool, some 100 ms before the block is in the transcript (seen). Without them, the model would call the
 * tool again.
 *
 * Skips a message of which only texts and thoughts were emitted, as its remainder is unknown ({@link toDroppedBlocks}).
 */
export function rebuildMissingEntries(
  priorEvents: readonly HarnessEvent[],
  persisted: TranscriptIds,
): readonly JsonObject[] {
  return lostMessages(priorEvents, persisted).flatMap((message) => {
    const calls = message.blocks.some(([, block]) => block['type'] === 'tool_use');
    if (!calls && !message.ended && message.results.length === 0) return [];
    const { inputTokens, outputTokens, cacheReadInputTokens, cacheCreationInputTokens } = message.usage;
    const assistants = message.blocks.map(([index, block]): JsonObject => ({
      type: 'assistant',
      message: {
        id: message.id,
        type: 'message',
        role: 'assistant',
        model: message.model,
        content: [block],
        stop_reason: calls ? 'tool_use' : 'end_turn',
        stop_sequence: null,
        usage: {
          input_tokens: inputTokens,
          output_tokens: outputTokens,
          cache_read_input_tokens: cacheReadInputTokens,
          cache_creation_input_tokens: cacheCreationInputTokens,
        },
      },
      apiBlockIndex: index,
    }));
    return message.results.length === 0 ? assistants : [...assistants, toResultEntry(message.results)];
  });
}

/**
 * Drops the blocks of a message that {@link rebuildMissingEntries} skips: the model is asked for that message again, and the turn's
 * answer would have them twice.
 */
export function toDroppedBlocks(
  priorEvents: readonly HarnessEvent[],
  persisted: TranscriptIds,
): readonly HarnessEvent[] {
  return lostMessages(priorEvents, persisted)
    .filter(({ hasCall, ended, results }) => !hasCall && !ended && results.length === 0)
    .flatMap(({ blockIds }) => blockIds.map((id): HarnessEvent => ({ type: 'block-dropped', id })));
}

function lostMessages(priorEvents: readonly HarnessEvent[], persisted: TranscriptIds): readonly LostMessage[] {
  const messages: LostMessage[] = [];
  const called = new Set(persisted.calls);
  let partialTexts = new Map<string, PartialText>();
  let call: { readonly model: string; readonly usage: TokenUsage } | undefined;
  let current: LostMessage | undefined;
  const currentMessage = (id: string | undefined): LostMessage | undefined => {
    if (current === undefined && call !== undefined) {
      current = {
        ...call,
        id: id ?? `msg_${messages.length}`,
        blocks: [],
        blockIds: [],
        results: [],
        hasCall: false,
        ended: false,
      };
      messages.push(current);
    }
    return current;
  };
  for (const event of priorEvents) {
    switch (event.type) {
      case 'attempt-start':
        [partialTexts, call, current] = [new Map(), undefined, undefined];
        break;
      case 'model-call-start':
        [call, current] = [event, undefined];
        break;
      case 'model-call-end':
        if (current !== undefined) current.ended = true;
        break;
      case 'text-delta':
      case 'thinking-delta':
        partialTexts.set(event.id, { type: event.type, text: (partialTexts.get(event.id)?.text ?? '') + event.text });
        break;
      case 'block-end':
        if (!persisted.blocks.has(event.id)) {
          const [id, index] = parseBlockId(event.id);
          const block = toBlock(partialTexts.get(event.id), event.signature);
          const message = currentMessage(id);
          message?.blockIds.push(event.id);
          if (block !== undefined) message?.blocks.push([index, block]);
        }
        break;
      case 'tool-call':
        if (current !== undefined) current.hasCall = true;
        if (called.has(event.id)) break;
        called.add(event.id);
        pushCall(currentMessage(undefined), event.id, fullName(event), event.input);
        break;
      case 'caller-tool-call':
        if (current !== undefined) current.hasCall = true;
        if (called.has(event.id)) break;
        called.add(event.id);
        pushCall(currentMessage(undefined), event.id, toModelToolName(event.name), event.input);
        break;
      case 'tool-result':
        if (persisted.results.has(event.id) || !called.has(event.id)) break;
        currentMessage(undefined)?.results.push({
          type: 'tool_result',
          tool_use_id: event.id,
          content: event.content.map(contentBlock),
          is_error: event.isError,
        });
        break;
      case 'turn-end':
      case 'turn-failed':
        // A turn that has ended is not resumed.
        break;
      default:
        event satisfies SilentEvent;
    }
  }
  return messages;
}

/** The emitted text of a text or thinking block so far. */
interface PartialText {
  readonly type: 'text-delta' | 'thinking-delta';
  readonly text: string;
}

/** Skips unsigned thinking, which a model does not accept. */
function toBlock(partialTexts: PartialText | undefined, signature: string | undefined): JsonObject | undefined {
  if (partialTexts === undefined || partialTexts.text === '') return undefined;
  if (partialTexts.type === 'text-delta') return { type: 'text', text: partialTexts.text };
  return signature === undefined ? undefined : { type: 'thinking', thinking: partialTexts.text, signature };
}

/** Adds a call after the earlier blocks; the events do not contain its index. */
function pushCall(message: LostMessage | undefined, id: string, name: string, input: JsonObject): void {
  const index = (message?.blocks.at(-1)?.[0] ?? -1) + 1;
  message?.blocks.push([index, { type: 'tool_use', id, name, input }]);
}

/** The message and the index in a block's name. */
function parseBlockId(name: string): readonly [string, number] {
  const colon = name.lastIndexOf(':');
  return [name.slice(0, colon), Number(name.slice(colon + 1))];
}

function fullName({ name, server }: Extract<HarnessEvent, { readonly type: 'tool-call' }>): string {
  return server === 'agent' ? name : `mcp__${server}__${name}`;
}

function contentBlock(content: ToolResultContent): JsonObject {
  return content.type === 'text'
    ? { type: 'text', text: content.text }
    : { type: 'image', source: { type: 'base64', media_type: content.mediaType, data: content.data } };
}

/** Collects the ids in the entries of a turn. */
export function collectTranscriptIds(turn: readonly JsonObject[]): TranscriptIds {
  const content = turn.flatMap((entry) => asObjects(asObject(entry['message'])['content']));
  const idsOf = (type: string, key: string): ReadonlySet<string> =>
    new Set(content.flatMap((block) => (block['type'] === type ? (asString(block[key]) ?? []) : [])));
  return {
    blocks: new Set(withPositions(turn).map(([entry, position]) => toBlockId(entry, position))),
    calls: idsOf('tool_use', 'id'),
    results: idsOf('tool_result', 'tool_use_id'),
  };
}

/** The `assistant` entries, each with its position among those of its message. */
export function withPositions(turn: readonly JsonObject[]): readonly (readonly [JsonObject, number])[] {
  const counts = new Map<string, number>();
  return turn
    .filter((entry) => entry['type'] === 'assistant')
    .map((entry) => {
      const id = asString(asObject(entry['message'])['id']) ?? '';
      const position = counts.get(id) ?? 0;
      counts.set(id, position + 1);
      return [entry, position];
    });
}
