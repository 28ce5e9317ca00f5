import type { MonoTypeOperatorFunction } from 'rxjs';
import { parseObject } from '../../domain/json.js';
import { mapBatches, statefulMapper } from './map-batches.js';
import type { StreamEvent } from '../../anthropic/stream-event.js';
import { completeBlockEvents } from '../../anthropic/stream-parts.js';

interface State {
  readonly messageId: string;
  /** The text block that is being read, or `undefined` outside of one. */
  readonly pieces: readonly string[] | undefined;
  readonly called: boolean;
}

type Step = readonly [State, readonly StreamEvent[]];

const NOTHING: readonly StreamEvent[] = [];

/**
 * Gives an answer of a schema as a call of the caller's own tool, for callers that hand over a tool for it instead of asking for a
 * format: the message's text, which is a JSON object then, becomes the tool's input, and the message stops to have it called.
 * Without a name everything passes. It is the one tool that a caller is ever to run, and it does nothing but keep the answer.
 *
 * Completes and errors as its source does; unsubscribing unsubscribes the source.
 */
export function answerAsToolCall(name: string | undefined): MonoTypeOperatorFunction<readonly StreamEvent[]> {
  if (name === undefined) return (source$) => source$;
  const start: State = { messageId: '', pieces: undefined, called: false };
  return mapBatches(() => statefulMapper(start, (state, event) => read(name, state, event)));
}

function read(name: string, state: State, event: StreamEvent): Step {
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
      // An answer that was cut short is no JSON.
      const input = parseObject(text);
      const next = { ...state, pieces: undefined, called: input !== undefined };
      if (input === undefined) return [next, completeBlockEvents(event.index, { type: 'text', text, citations: null })];
      const id = `toolu_${state.messageId.replace(/^msg_/, '')}`;
      return [next, completeBlockEvents(event.index, { type: 'tool_use', id, name, input })];
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
