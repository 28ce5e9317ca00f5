import { filter, map, type MonoTypeOperatorFunction, scan } from 'rxjs';
import type { StreamEvent } from '../translator/stream-event.js';

interface State {
  /** Characters of text that the caller already has and that are still to come. */
  readonly owed: number;
  /** Index of the block that is open, in the whole message. */
  readonly kind: string;
  /** Blocks that were left out so far. */
  readonly skipped: number;
  /** Whether the open block has been shown. */
  readonly isShown: boolean;
}

/**
 * The rest of a message for a caller that has its first `received` characters of text: blocks before them are left out, the
 * block in which they end begins after them. Everything passes when the caller has nothing.
 *
 * Completes and errors as its source does; unsubscribing unsubscribes the source.
 */
export function remainder(received: string | undefined): MonoTypeOperatorFunction<readonly StreamEvent[]> {
  if (received === undefined || received === '') return (source$) => source$;
  const seed: readonly [State, readonly StreamEvent[]] = [
    { owed: received.length, kind: '', skipped: 0, isShown: true },
    [],
  ];
  return (source$) =>
    source$.pipe(
      scan(([state], events) => restAll(state, events), seed),
      map(([, events]) => events),
      filter((events) => events.length > 0),
    );
}

function restAll(first: State, events: readonly StreamEvent[]): readonly [State, readonly StreamEvent[]] {
  let state = first;
  const out: StreamEvent[] = [];
  for (const event of events) {
    const [next, shown] = rest(state, event);
    state = next;
    for (const one of shown) out.push(one);
  }
  return [state, out];
}

function rest(state: State, event: StreamEvent): readonly [State, readonly StreamEvent[]] {
  switch (event.type) {
    case 'content_block_start': {
      const { type } = event.content_block;
      if (state.owed > 0) return [{ ...state, kind: type, skipped: state.skipped + 1, isShown: false }, []];
      return [{ ...state, kind: type, isShown: true }, [{ ...event, index: event.index - state.skipped }]];
    }
    case 'content_block_delta': {
      if (state.isShown) return [state, [{ ...event, index: event.index - state.skipped }]];
      if (event.delta.type !== 'text_delta') return [state, []];
      const { text } = event.delta;
      if (text.length <= state.owed) return [{ ...state, owed: state.owed - text.length }, []];
      const skipped = state.skipped - 1;
      const index = event.index - skipped;
      return [
        { ...state, owed: 0, skipped, isShown: true },
        [
          { type: 'content_block_start', index, content_block: { type: 'text', text: '', citations: null } },
          { type: 'content_block_delta', index, delta: { type: 'text_delta', text: text.slice(state.owed) } },
        ],
      ];
    }
    case 'content_block_stop':
      return [state, state.isShown ? [{ ...event, index: event.index - state.skipped }] : []];
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
