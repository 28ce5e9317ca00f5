import type { HarnessEvent, JsonObject, JsonValue } from '../domain/harness-event.js';
import type { AnthropicErrorObject } from '../anthropic/anthropic-error.js';
import { isJsonObject } from '../domain/json.js';
import { dropAbandonedBlocks } from '../domain/abandoned-blocks.js';
import type { ContentBlock, ContentDelta, Message, StreamEvent } from '../anthropic/stream-event.js';
import { endOfEvents, initialState, translateEvent, type TranslateOptions } from './translate.js';

/** A whole stream as one answer: the message, or the error that took its place. */
export type Collected = { readonly message: Message } | { readonly error: AnthropicErrorObject };

/** The block that is being collected. Its pieces are joined once, at its end. */
interface CollectedBlock {
  readonly start: ContentBlock;
  readonly pieces: string[];
  signature: string;
}

/**
 * A stream that is being collected. Belongs to who made it and is changed in place by {@link addEvent}: a copy per delta
 * would make a long answer quadratic.
 */
export interface MessageBuilder {
  message: Message | null;
  readonly content: ContentBlock[];
  block: CollectedBlock | null;
  error: AnthropicErrorObject | null;
  ended: boolean;
}

const CUT_OFF: AnthropicErrorObject = { type: 'api_error', message: 'The response ended prematurely.' };

/** Nothing collected yet. */
export function newAccumulation(): MessageBuilder {
  return { message: null, content: [], block: null, error: null, ended: false };
}

/**
 * Adds one stream event, in place and in constant time. The events must follow the stream's grammar.
 *
 * @throws SyntaxError when a tool's input is no JSON
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
      if (state.block !== null) addBlock(state.content, finished(state.block));
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

/** What was collected. A stream that is not over counts as cut off: an `api_error`. */
export function toCollected(state: MessageBuilder): Collected {
  if (state.error !== null) return { error: state.error };
  if (state.message === null || !state.ended) return { error: CUT_OFF };
  return { message: { ...state.message, content: [...state.content] } };
}

/**
 * A whole stream as one answer, as a caller without streaming gets it.
 *
 * @throws SyntaxError when a tool's input is no JSON
 */
export function collect(events: Iterable<StreamEvent>): Collected {
  const state = newAccumulation();
  for (const event of events) addEvent(state, event);
  return toCollected(state);
}

/**
 * All events of a turn as the answer to store with it: what {@link dropAbandonedBlocks} leaves. Events without an end become an
 * `api_error`.
 */
export function buildTurnMessage(options: TranslateOptions, events: Iterable<HarnessEvent>): Collected {
  const accumulation = newAccumulation();
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

/** Leaves out thinking blocks without anything in them: they only kept a connection alive. */
function addBlock(content: ContentBlock[], block: ContentBlock): void {
  if (block.type === 'thinking' && block.thinking === '' && block.signature === '') return;
  content.push(block);
}

function finished({ start: block, pieces, signature }: CollectedBlock): ContentBlock {
  switch (block.type) {
    case 'text':
      return { ...block, text: block.text + pieces.join('') };
    case 'thinking':
      return { ...block, thinking: block.thinking + pieces.join(''), signature: signature || block.signature };
    case 'tool_use':
    case 'server_tool_use':
      return { ...block, input: parsedInput(pieces.join('')) ?? block.input };
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

/** A tool's input from its joined pieces; `undefined` when there were none or when it is no object. */
function parsedInput(json: string): JsonObject | undefined {
  if (json === '') return undefined;
  const input: JsonValue = JSON.parse(json);
  return isJsonObject(input) ? input : undefined;
}
