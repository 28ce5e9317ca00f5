import type { MonoTypeOperatorFunction } from 'rxjs';
import type { JsonObject } from '../../domain/harness-event.js';
import { asObject, asString, parseObject } from '../../domain/json.js';
import { mapBatches, statefulMapper } from './map-batches.js';
import type { StreamEvent } from '../../anthropic/stream-event.js';
import { completeBlockEvents } from '../../anthropic/stream-parts.js';

/** The call that a structured answer becomes: of this tool, with the answer as its input, or of the tool that the answer chooses. */
export type ForcedCall = { readonly kind: 'tool'; readonly name: string } | { readonly kind: 'choice' };

interface State {
  readonly messageId: string;
  /** The pieces of the open text block; `undefined` outside of one. */
  readonly pieces: readonly string[] | undefined;
  readonly called: boolean;
}

type Step = readonly [State, readonly StreamEvent[]];

const NOTHING: readonly StreamEvent[] = [];

/**
 * Converts a structured answer to a call of the caller's tool, for callers that force a call instead of requesting an output format:
 * the message's text, a JSON object, becomes the tool's input, and the message stops with `tool_use`. Without a forced call, everything
 * passes. The agent does not wait for the result of such a call.
 *
 * Completes and errors as its source does; unsubscribing unsubscribes the source.
 */
export function answerAsToolCall(forced: ForcedCall | undefined): MonoTypeOperatorFunction<readonly StreamEvent[]> {
  if (forced === undefined) return (source$) => source$;
  const start: State = { messageId: '', pieces: undefined, called: false };
  return mapBatches(() => statefulMapper(start, (state, event) => read(forced, state, event)));
}

function read(forced: ForcedCall, state: State, event: StreamEvent): Step {
  switch (event.type) {
    case 'message_start':
      return [{ ...state, messageId: event.message.id }, [event]];
    case 'content_block_start':
      return event.content_block.type === 'text' ? [{ ...state, pieces: [] }, NOTHING] : [state, [event]];
    case 'content_block_delta':
      if (state.pieces === undefined || event.delta.type !== 'text_delta') return [state, [event]];
      return [{ ...state, pieces: [...state.pieces, event.delta.text] }, NOTHING];
    case 'content_block_stop': {
      if (state.pieces === undefined) return [state, [event]];
      const text = state.pieces.join('');
      // A truncated answer is not JSON.
      const call = toForcedInput(forced, parseObject(text));
      const next = { ...state, pieces: undefined, called: call !== undefined };
      if (call === undefined) return [next, completeBlockEvents(event.index, { type: 'text', text, citations: null })];
      const id = `toolu_${state.messageId.replace(/^msg_/, '')}`;
      return [next, completeBlockEvents(event.index, { type: 'tool_use', id, ...call })];
    }
    case 'message_delta':
      if (!state.called || event.delta.stop_reason !== 'end_turn') return [state, [event]];
      return [state, [{ ...event, delta: { ...event.delta, stop_reason: 'tool_use' } }]];
    case 'message_stop':
    case 'ping':
    case 'error':
      return [state, [event]];
    default:
      return event satisfies never;
  }
}

/** Reads the call that a structured answer becomes; `undefined` for an answer that is no such call, as of a turn that was cut off. */
export function toForcedInput(
  forced: ForcedCall,
  answer: JsonObject | undefined,
): { readonly name: string; readonly input: JsonObject } | undefined {
  if (answer === undefined) return undefined;
  if (forced.kind === 'tool') return { name: forced.name, input: answer };
  const name = asString(answer['tool']);
  return name === undefined ? undefined : { name, input: asObject(answer['input']) };
}
