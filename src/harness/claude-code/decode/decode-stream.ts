import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asNumber, asObject, asString } from '../../../domain/json.js';
import { toRefusal } from './stop.js';
import type { StreamedMessage, DecoderState } from './turn-state.js';
import { addCallUsage, parseUsage } from './usage.js';

/** The next state of a turn, and the events to emit. */
export type TurnStep = readonly [DecoderState, readonly HarnessEvent[]];

const NO_EVENTS: readonly HarnessEvent[] = [];

/** Decodes the `event` of one `stream_event` line of the agent itself. */
export function decodeStreamEvent(turn: DecoderState, event: JsonObject): TurnStep {
  if (event['type'] === 'message_start') return startMessage(turn, asObject(event['message']));
  const message = turn.streaming;
  if (message === undefined || message.repeated) return [turn, NO_EVENTS];
  switch (event['type']) {
    case 'content_block_delta':
      return delta(turn, message, asNumber(event['index']) ?? 0, asObject(event['delta']));
    case 'content_block_stop':
      return closeBlocks(turn, message, [asNumber(event['index']) ?? 0]);
    case 'message_delta':
      return countMessage(turn, message, event);
    case 'message_stop':
      return closeOpenBlocks(turn);
    default:
      return [turn, NO_EVENTS];
  }
}

/**
 * Ends every open block. The text of an attempt that Claude Code abandons for a retry stays in the log; the next attempt has its own
 * message id and so starts new blocks.
 */
export function closeOpenBlocks(turn: DecoderState): TurnStep {
  const message = turn.streaming;
  return message === undefined ? [turn, NO_EVENTS] : closeBlocks(turn, message, [...message.open.keys()]);
}

function startMessage(turn: DecoderState, start: JsonObject): TurnStep {
  const id = asString(start['id']) ?? '';
  if (turn.streaming?.id === id) return [turn, NO_EVENTS];
  const [closed, ended] = closeOpenBlocks(turn);
  const [model, usage] = [asString(start['model']) ?? '', parseUsage(start['usage'])];
  const repeated = turn.streamed.has(id) || turn.unstreamedBlocks.has(id);
  const next: DecoderState = {
    ...closed,
    streaming: { id, model, usage, open: new Map(), closed: new Set(), counted: false, repeated },
    streamed: new Set([...turn.streamed, id]),
  };
  return [next, repeated ? ended : [...ended, { type: 'model-call-start', model, usage }]];
}

function delta(turn: DecoderState, message: StreamedMessage, index: number, change: JsonObject): TurnStep {
  if (message.closed.has(index)) return [turn, NO_EVENTS];
  const id = `${message.id}:${index}`;
  switch (change['type']) {
    case 'text_delta':
      return [withOpened(turn, message, index), deltaEvents('text-delta', id, asString(change['text']))];
    case 'thinking_delta':
      return [withOpened(turn, message, index), deltaEvents('thinking-delta', id, asString(change['thinking']))];
    case 'signature_delta': {
      const signature = message.open.get(index);
      // Without thinking text (some providers hide it), there is no block for the signature.
      if (signature === undefined) return [turn, NO_EVENTS];
      return [withOpen(turn, message, index, signature + (asString(change['signature']) ?? '')), NO_EVENTS];
    }
    default:
      return [turn, NO_EVENTS];
  }
}

function deltaEvents(type: 'text-delta' | 'thinking-delta', id: string, text = ''): readonly HarnessEvent[] {
  return [{ type, id, text }];
}

function withOpened(turn: DecoderState, message: StreamedMessage, index: number): DecoderState {
  return message.open.has(index) ? turn : withOpen(turn, message, index, '');
}

function withOpen(turn: DecoderState, message: StreamedMessage, index: number, signature: string): DecoderState {
  return { ...turn, streaming: { ...message, open: new Map([...message.open, [index, signature]]) } };
}

function closeBlocks(turn: DecoderState, message: StreamedMessage, indices: readonly number[]): TurnStep {
  const closing = indices.filter((index) => message.open.has(index));
  if (closing.length === 0) return [turn, NO_EVENTS];
  const events = closing.map((index): HarnessEvent => {
    const [id, signature] = [`${message.id}:${index}`, message.open.get(index) ?? ''];
    return signature === '' ? { type: 'block-end', id } : { type: 'block-end', id, signature };
  });
  const open = new Map([...message.open].filter(([index]) => !closing.includes(index)));
  return [{ ...turn, streaming: { ...message, open, closed: new Set([...message.closed, ...closing]) } }, events];
}

function countMessage(turn: DecoderState, message: StreamedMessage, event: JsonObject): TurnStep {
  if (message.counted) return [turn, NO_EVENTS];
  const usage = parseUsage(event['usage'], message.usage);
  const change = asObject(event['delta']);
  const next: DecoderState = {
    ...turn,
    streaming: { ...message, counted: true },
    sinceResult: addCallUsage(turn.sinceResult, usage),
    stopSequence: asString(change['stop_sequence']),
    refusal: toRefusal(change['stop_details']),
  };
  return [next, [{ type: 'model-call-end', model: message.model, usage }]];
}
