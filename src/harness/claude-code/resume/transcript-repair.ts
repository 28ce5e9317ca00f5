import type { SilentEvent } from '../../../domain/event-traits.js';
import type { HarnessEvent, JsonObject, TokenUsage, ToolResultContent } from '../../../domain/harness-event.js';
import { asNumber, asObject, asObjects, asString } from '../../../domain/json.js';

/** What a transcript holds of a turn: names of its text and thinking blocks, of its tool calls and of their results. */
export interface TranscriptIds {
  readonly blocks: ReadonlySet<string>;
  readonly calls: ReadonlySet<string>;
  readonly results: ReadonlySet<string>;
}

/** A model message of which the transcript lacks something. */
interface LostMessage {
  readonly id: string;
  readonly model: string;
  readonly usage: TokenUsage;
  /** Each with its index in the message. */
  readonly blocks: (readonly [number, JsonObject])[];
  readonly results: JsonObject[];
  /** Whether the model had said all of it. */
  ended: boolean;
}

/** Name of a block in our events, for the `position`-th entry of its message. */
export function blockId(entry: JsonObject, position: number): string {
  const id = asString(asObject(entry['message'])['id']) ?? '';
  return `${id}:${asNumber(entry['apiBlockIndex']) ?? position}`;
}

/**
 * The entries, without their places in the conversation, of what a dead process had told and not written down: Claude Code 2.1.330
 * tells of a block, and starts its tool, some 100 ms before the block is in the transcript (seen). Without them the model would
 * call the tool again.
 *
 * A text that was whole while its message went on is not among them: nobody knows how that message would have gone on.
 */
export function rebuildMissingEntries(said: readonly HarnessEvent[], kept: TranscriptIds): readonly JsonObject[] {
  return lostMessages(said, kept).flatMap((message) => {
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
    return message.results.length === 0 ? assistants : [...assistants, resultEntry(message.results)];
  });
}

/** The entry in which tools answer. */
export function resultEntry(results: readonly JsonObject[]): JsonObject {
  return { type: 'user', message: { role: 'user', content: results } };
}

function lostMessages(said: readonly HarnessEvent[], kept: TranscriptIds): readonly LostMessage[] {
  const messages: LostMessage[] = [];
  const called = new Set(kept.calls);
  let words = new Map<string, PartialText>();
  let call: { readonly model: string; readonly usage: TokenUsage } | undefined;
  let current: LostMessage | undefined;
  const inMessage = (id: string | undefined): LostMessage | undefined => {
    if (current === undefined && call !== undefined) {
      current = { ...call, id: id ?? `msg_${messages.length}`, blocks: [], results: [], ended: false };
      messages.push(current);
    }
    return current;
  };
  for (const event of said) {
    switch (event.type) {
      case 'attempt-start':
        [words, call, current] = [new Map(), undefined, undefined];
        break;
      case 'model-call-start':
        [call, current] = [event, undefined];
        break;
      case 'model-call-end':
        if (current !== undefined) current.ended = true;
        break;
      case 'text-delta':
      case 'thinking-delta':
        words.set(event.id, { type: event.type, text: (words.get(event.id)?.text ?? '') + event.text });
        break;
      case 'block-end':
        if (!kept.blocks.has(event.id)) {
          const [id, index] = parseBlockId(event.id);
          const block = toBlock(words.get(event.id), event.signature);
          if (block !== undefined) inMessage(id)?.blocks.push([index, block]);
        }
        break;
      case 'tool-call':
        if (called.has(event.id)) break;
        called.add(event.id);
        pushCall(inMessage(undefined), event);
        break;
      case 'tool-result':
        if (kept.results.has(event.id) || !called.has(event.id)) break;
        inMessage(undefined)?.results.push({
          type: 'tool_result',
          tool_use_id: event.id,
          content: event.content.map(contentBlock),
          is_error: event.isError,
        });
        break;
      case 'caller-tool-call':
      case 'turn-end':
      case 'turn-failed':
        // Claude Code has no tools of a caller, and a turn that has ended is not resumed.
        break;
      default:
        event satisfies SilentEvent;
    }
  }
  return messages;
}

/** What was told of a text or thinking block so far. */
interface PartialText {
  readonly type: 'text-delta' | 'thinking-delta';
  readonly text: string;
}

/** Thinking that is not signed cannot be given back to a model. */
function toBlock(words: PartialText | undefined, signature: string | undefined): JsonObject | undefined {
  if (words === undefined || words.text === '') return undefined;
  if (words.type === 'text-delta') return { type: 'text', text: words.text };
  return signature === undefined ? undefined : { type: 'thinking', thinking: words.text, signature };
}

/** A call comes after the blocks before it; its own index is not told. */
function pushCall(message: LostMessage | undefined, call: Extract<HarnessEvent, { readonly type: 'tool-call' }>): void {
  const index = (message?.blocks.at(-1)?.[0] ?? -1) + 1;
  message?.blocks.push([index, { type: 'tool_use', id: call.id, name: fullName(call), input: call.input }]);
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

/** What the entries of a turn hold. */
export function collectTranscriptIds(turn: readonly JsonObject[]): TranscriptIds {
  const content = turn.flatMap((entry) => asObjects(asObject(entry['message'])['content']));
  const idsOf = (type: string, key: string): ReadonlySet<string> =>
    new Set(content.flatMap((block) => (block['type'] === type ? (asString(block[key]) ?? []) : [])));
  return {
    blocks: new Set(withPositions(turn).map(([entry, position]) => blockId(entry, position))),
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
