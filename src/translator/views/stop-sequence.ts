import type { MonoTypeOperatorFunction } from 'rxjs';
import { mapBatches, statefulMapper } from './map-batches.js';
import type { StreamEvent } from '../../anthropic/stream-event.js';

interface State {
  /** The held end of the open text block, which may start a sequence. */
  readonly held: string;
  /** The sequence at which the answer ended. */
  readonly found: string | undefined;
}

type Step = readonly [State, readonly StreamEvent[]];

const NOTHING: readonly StreamEvent[] = [];

/**
 * Ends an answer before its first stop sequence, as the API does: drops the sequence and everything after it, and sets
 * `stop_sequence`. Holds back an end of the text that may start a sequence until more text or the end arrives. A sequence must be
 * within one text block.
 *
 * Calls `found` once when it finds a sequence; the message ends when the source ends its message.
 *
 * Completes and errors as its source does; unsubscribing unsubscribes the source.
 */
export function applyStopSequences(
  sequences: readonly string[],
  found: () => void,
): MonoTypeOperatorFunction<readonly StreamEvent[]> {
  if (sequences.length === 0) return (source$) => source$;
  const start: State = { held: '', found: undefined };
  const readEvent = (state: State, event: StreamEvent): Step => {
    const step = read(sequences, state, event);
    if (step[0].found !== undefined && state.found === undefined) found();
    return step;
  };
  return mapBatches(() => statefulMapper(start, readEvent));
}

function read(sequences: readonly string[], state: State, event: StreamEvent): Step {
  if (state.found !== undefined) return [state, afterStop(state.found, event)];
  switch (event.type) {
    case 'content_block_delta':
      if (event.delta.type !== 'text_delta' || event.delta.text === '') return [state, [event]];
      return readText(sequences, state.held + event.delta.text, event.index);
    case 'content_block_stop':
      return [{ ...state, held: '' }, [...textDelta(event.index, state.held), event]];
    case 'message_start':
    case 'content_block_start':
    case 'message_delta':
    case 'message_stop':
    case 'ping':
    case 'error':
      return [state, [event]];
    default:
      return event satisfies never;
  }
}

function readText(sequences: readonly string[], piece: string, index: number): Step {
  const { shown, held, found } = scanForStop(sequences, piece);
  const before = textDelta(index, shown);
  return [{ held, found }, found === undefined ? before : [...before, { type: 'content_block_stop', index }]];
}

/** What of a text is before its first stop sequence. */
export interface StopScan {
  readonly shown: string;
  /** The end of the text, which may start a sequence; empty after one. */
  readonly held: string;
  readonly found: string | undefined;
}

/** Looks for the first of several sequences in what was held back of a text and its next piece. */
export function scanForStop(sequences: readonly string[], piece: string): StopScan {
  const hit = findFirst(sequences, piece);
  if (hit !== undefined) return { shown: piece.slice(0, hit.at), held: '', found: hit.sequence };
  const shownLength = piece.length - Math.max(0, ...sequences.map((sequence) => overlap(piece, sequence)));
  return { shown: piece.slice(0, shownLength), held: piece.slice(shownLength), found: undefined };
}

/** Finds the sequence that ends first: the API would have stopped there, however the text was split into deltas. */
function findFirst(sequences: readonly string[], piece: string) {
  return sequences
    .map((sequence) => ({ sequence, at: piece.indexOf(sequence) }))
    .filter(({ at }) => at !== -1)
    .toSorted((one, other) => one.at + one.sequence.length - (other.at + other.sequence.length))[0];
}

/** Counts the characters at the end of a text that start a sequence without completing it. */
function overlap(piece: string, sequence: string): number {
  for (let length = Math.min(piece.length, sequence.length - 1); length > 0; length -= 1) {
    if (piece.endsWith(sequence.slice(0, length))) return length;
  }
  return 0;
}

function textDelta(index: number, text: string): readonly StreamEvent[] {
  return text === '' ? NOTHING : [{ type: 'content_block_delta', index, delta: { type: 'text_delta', text } }];
}

/** After the sequence, passes only the end of the message, pings and errors. */
function afterStop(sequence: string, event: StreamEvent): readonly StreamEvent[] {
  switch (event.type) {
    case 'message_delta':
      return [
        {
          ...event,
          delta: { ...event.delta, stop_reason: 'stop_sequence', stop_sequence: sequence, stop_details: null },
        },
      ];
    case 'message_stop':
    case 'ping':
    case 'error':
      return [event];
    case 'message_start':
    case 'content_block_start':
    case 'content_block_delta':
    case 'content_block_stop':
      return NOTHING;
    default:
      return event satisfies never;
  }
}
