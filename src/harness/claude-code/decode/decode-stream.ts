import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asNumber, asObject, asString } from '../../../domain/json.js';
import { toRefusal } from './stop.js';
import type { StreamedMessage, DecoderState } from './turn-state.js';
import { addCallUsage, parseUsage } from './usage.js';

/** The next state of a turn, and what was said. */
export type TurnStep = readonly [DecoderState, readonly HarnessEvent[]];

const NOTHING: readonly HarnessEvent[] = [];

/** One `stream_event` line of the agent itself, given its `event`. */
export function decodeStreamEvent(turn: DecoderState, event: JsonObject): TurnStep {
  if (event['type'] === 'message_start') return startMessage(turn, asObject(event['message']));
  const message = turn.streaming;
  if (message === undefined || message.repeated) return [turn, NOTHING];
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
      return [turn, NOTHING];
  }
}

/**
 * Ends every block that is open, as nothing more of it will come. An attempt that Claude Code gives up for a retry keeps what
 * was said of it; the next one has a message id of its own, and so begins new blocks.
 */
export function closeOpenBlocks(turn: DecoderState): TurnStep {
  const message = turn.streaming;
  return message === undefined ? [turn, NOTHING] : closeBlocks(turn, message, [...message.open.keys()]);
}

function startMessage(turn: DecoderState, start: JsonObject): TurnStep {
  const id = asString(start['id']) ?? '';
  if (turn.streaming?.id === id) return [turn, NOTHING];
  const [closed, ended] = closeOpenBlocks(turn);
  const [model, usage] = [asString(start['model']) ?? '', parseUsage(start['usage'])];
  const repeated = turn.streamed.has(id) || turn.wholeBlocks.has(id);
  const next: DecoderState = {
    ...closed,
    streaming: { id, model, usage, open: new Map(), closed: new Set(), counted: false, repeated },
    streamed: new Set([...turn.streamed, id]),
  };
  return [next, repeated ? ended : [...ended, { type: 'model-call-start', model, usage }]];
}

function delta(turn: DecoderState, message: StreamedMessage, index: number, change: JsonObject): TurnStep {
  if (message.closed.has(index)) return [turn, NOTHING];
  const id = `${message.id}:${index}`;
  switch (change['type']) {
    case 'text_delta':
      return [opened(turn, message, index), spoken('text-delta', id, asString(change['text']))];
    case 'thinking_delta':
      return [opened(turn, message, index), spoken('thinking-delta', id, asString(change['thinking']))];
    case 'signature_delta': {
      const before = message.open.get(index);
      // A signature without thinking (a provider that hides it) has no block to go with.
      if (before === undefined) return [turn, NOTHING];
      return [withOpen(turn, message, index, before + (asString(change['signature']) ?? '')), NOTHING];
    }
    default:
      return [turn, NOTHING];
  }
}

function spoken(type: 'text-delta' | 'thinking-delta', id: string, text = ''): readonly HarnessEvent[] {
  return [{ type, id, text }];
}

function opened(turn: DecoderState, message: StreamedMessage, index: number): DecoderState {
  return message.open.has(index) ? turn : withOpen(turn, message, index, '');
}

function withOpen(turn: DecoderState, message: StreamedMessage, index: number, signature: string): DecoderState {
  return { ...turn, streaming: { ...message, open: new Map([...message.open, [index, signature]]) } };
}

function closeBlocks(turn: DecoderState, message: StreamedMessage, indices: readonly number[]): TurnStep {
  const ending = indices.filter((index) => message.open.has(index));
  if (ending.length === 0) return [turn, NOTHING];
  const events = ending.map((index): HarnessEvent => {
    const [id, signature] = [`${message.id}:${index}`, message.open.get(index) ?? ''];
    return signature === '' ? { type: 'block-end', id } : { type: 'block-end', id, signature };
  });
  const open = new Map([...message.open].filter(([index]) => !ending.includes(index)));
  return [{ ...turn, streaming: { ...message, open, closed: new Set([...message.closed, ...ending]) } }, events];
}

function countMessage(turn: DecoderState, message: StreamedMessage, event: JsonObject): TurnStep {
  if (message.counted) return [turn, NOTHING];
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
