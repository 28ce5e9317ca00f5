import type { HarnessEvent, JsonObject, JsonValue } from '../domain/harness-event.js';
import type { AnthropicErrorObject } from '../anthropic/anthropic-error.js';
import { isJsonObject } from '../domain/json.js';
import { dropAbandonedBlocks } from '../domain/abandoned-blocks.js';
import type { ContentBlock, ContentDelta, Message, StreamEvent } from '../anthropic/stream-event.js';
import { endOfEvents, initialState, translateEvent, type TranslateOptions } from './translate.js';

/** The result of a complete stream: the message, or the error that ended it. */
export type Collected = { readonly message: Message } | { readonly error: AnthropicErrorObject };

/** The open block. Its pieces are joined once, at its end. */
interface CollectedBlock {
  readonly start: ContentBlock;
  readonly pieces: string[];
  signature: string;
}

/**
 * A partly collected stream. {@link addEvent} changes it in place: a copy per delta would take quadratic time for a long answer.
 * Do not share it.
 */
export interface MessageBuilder {
  message: Message | null;
  readonly content: ContentBlock[];
  block: CollectedBlock | null;
  error: AnthropicErrorObject | null;
  ended: boolean;
}

const CUT_OFF: AnthropicErrorObject = { type: 'api_error', message: 'The response ended prematurely.' };

/** Makes an empty builder. */
export function createMessageBuilder(): MessageBuilder {
  return { message: null, content: [], block: null, error: null, ended: false };
}

/**
 * Adds one stream event, in place and in constant time. The events must follow the stream's grammar.
 *
 * @throws SyntaxError if a tool's input is not JSON
 */
export function addEvent(state: MessageBuilder, event: StreamEvent): void {
  switch (event.type) {
    case 'message_start':
      state.message = event.message;
      return;
    case 'content_block_start':
      state.block = { start: event.content_block, pieces: [], signature: '' };
      return;
    case 'content_block_delta':
      if (state.block !== null) addDelta(state.block, event.delta);
      return;
    case 'content_block_stop':
      if (state.block !== null) addBlock(state.content, finishBlock(state.block));
      state.block = null;
      return;
    case 'message_delta':
      if (state.message !== null) {
        const { stop_reason, stop_sequence, stop_details } = event.delta;
        state.message = { ...state.message, stop_reason, stop_sequence, stop_details, usage: event.usage };
      }
      return;
    case 'message_stop':
      state.ended = true;
      return;
    case 'error':
      state.error = event.error;
      return;
    case 'ping':
      return;
    default: {
      const unreachable: never = event;
      return unreachable;
    }
  }
}

/** Returns the collected message or error. A stream without an end becomes an `api_error`. */
export function toCollected(state: MessageBuilder): Collected {
  if (state.error !== null) return { error: state.error };
  if (state.message === null || !state.ended) return { error: CUT_OFF };
  return { message: { ...state.message, content: [...state.content] } };
}

/**
 * Collects a complete stream into the answer of a caller that does not stream.
 *
 * @throws SyntaxError if a tool's input is not JSON
 */
export function collect(events: Iterable<StreamEvent>): Collected {
  const state = createMessageBuilder();
  for (const event of events) addEvent(state, event);
  return toCollected(state);
}

/**
 * Builds the answer to store with a turn from all its events, without those that {@link dropAbandonedBlocks} drops. Events without an
 * end become an `api_error`.
 */
export function buildTurnMessage(options: TranslateOptions, events: Iterable<HarnessEvent>): Collected {
  const accumulation = createMessageBuilder();
  let state = initialState(options);
  for (const event of dropAbandonedBlocks([...events])) {
    const [next, streamEvents] = translateEvent(state, event);
    state = next;
    for (const streamEvent of streamEvents) addEvent(accumulation, streamEvent);
  }
  for (const streamEvent of endOfEvents(state)[1]) addEvent(accumulation, streamEvent);
  return toCollected(accumulation);
}

function addDelta(block: CollectedBlock, delta: ContentDelta): void {
  switch (delta.type) {
    case 'text_delta':
      block.pieces.push(delta.text);
      return;
    case 'thinking_delta':
      block.pieces.push(delta.thinking);
      return;
    case 'input_json_delta':
      block.pieces.push(delta.partial_json);
      return;
    case 'signature_delta':
      block.signature = delta.signature;
      return;
    default: {
      const unreachable: never = delta;
      return unreachable;
    }
  }
}

/** Skips empty thinking blocks: they only kept a connection alive. */
function addBlock(content: ContentBlock[], block: ContentBlock): void {
  if (block.type === 'thinking' && block.thinking === '' && block.signature === '') return;
  content.push(block);
}

function finishBlock({ start: block, pieces, signature }: CollectedBlock): ContentBlock {
  switch (block.type) {
    case 'text':
      return { ...block, text: block.text + pieces.join('') };
    case 'thinking':
      return { ...block, thinking: block.thinking + pieces.join(''), signature: signature || block.signature };
    case 'tool_use':
    case 'server_tool_use':
      return { ...block, input: parseInput(pieces.join('')) ?? block.input };
    case 'mcp_tool_use':
    case 'mcp_tool_result':
    case 'bash_code_execution_tool_result':
      return block;
    default: {
      const unreachable: never = block;
      return unreachable;
    }
  }
}

/** Parses a tool's input; `undefined` if it is empty or not an object. */
function parseInput(json: string): JsonObject | undefined {
  if (json === '') return undefined;
  const input: JsonValue = JSON.parse(json);
  return isJsonObject(input) ? input : undefined;
}
