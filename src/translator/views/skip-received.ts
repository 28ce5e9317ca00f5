import type { MonoTypeOperatorFunction } from 'rxjs';
import { mapBatches, statefulMapper } from './map-batches.js';
import type { StreamEvent } from '../../anthropic/stream-event.js';

interface State {
  /** The text that the caller already has and that the source has not emitted yet. */
  readonly toSkip: string;
  /** Number of blocks skipped so far. */
  readonly skipped: number;
  /** The skipped text of the open block; `undefined` if the open block is shown or none is open. */
  readonly withheld: string | undefined;
}

/**
 * Skips the text that the caller has `received`: drops the blocks before its end and starts the block that contains its end after
 * it. If the message differs, as after a crash that dropped a partial text, it is shown from the first block that differs.
 * Everything passes if the caller has nothing.
 *
 * Completes and errors as its source does; unsubscribing unsubscribes the source.
 */
export function skipReceivedText(received: string | undefined): MonoTypeOperatorFunction<readonly StreamEvent[]> {
  if (received === undefined || received === '') return (source$) => source$;
  return mapBatches(() => statefulMapper<State>({ toSkip: received, skipped: 0, withheld: undefined }, skip));
}

function skip(state: State, event: StreamEvent): readonly [State, readonly StreamEvent[]] {
  switch (event.type) {
    case 'content_block_start':
      if (state.toSkip !== '') return [{ ...state, skipped: state.skipped + 1, withheld: '' }, []];
      return [state, [{ ...event, index: event.index - state.skipped }]];
    case 'content_block_delta': {
      const { withheld, toSkip } = state;
      if (withheld === undefined) return [state, [{ ...event, index: event.index - state.skipped }]];
      if (event.delta.type !== 'text_delta') return [state, []];
      const { text } = event.delta;
      if (toSkip.startsWith(text))
        return [{ ...state, toSkip: toSkip.slice(text.length), withheld: withheld + text }, []];
      const shown = text.startsWith(toSkip) ? text.slice(toSkip.length) : withheld + text;
      const skipped = state.skipped - 1;
      const index = event.index - skipped;
      return [
        { toSkip: '', skipped, withheld: undefined },
        [
          { type: 'content_block_start', index, content_block: { type: 'text', text: '', citations: null } },
          { type: 'content_block_delta', index, delta: { type: 'text_delta', text: shown } },
        ],
      ];
    }
    case 'content_block_stop':
      if (state.withheld !== undefined) return [{ ...state, withheld: undefined }, []];
      return [state, [{ ...event, index: event.index - state.skipped }]];
    case 'message_start':
    case 'message_delta':
    case 'message_stop':
    case 'ping':
    case 'error':
      return [state, [event]];
    default:
      return event satisfies never;
  }
}
