import type { MonoTypeOperatorFunction } from 'rxjs';
import { mapBatches, statefulMapper } from './map-batches.js';
import type { StreamEvent } from '../../anthropic/stream-event.js';

interface State {
  /** The end of the open text block that may be the beginning of a sequence. */
  readonly held: string;
  /** The sequence at which the answer ended. */
  readonly found: string | undefined;
}

type Step = readonly [State, readonly StreamEvent[]];

const NOTHING: readonly StreamEvent[] = [];

/**
 * Ends an answer before the first of its stop sequences, as the API does: the sequence itself and everything behind it is left
 * out, and the message says where it stopped. A text's end that may be the beginning of a sequence is held back until more of
 * the text, or its end, is there. A sequence counts within one text block.
 *
 * `found` is called once, when a sequence is found; the message's end follows when the source gives its own.
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
      return [{ ...state, held: '' }, [...text(event.index, state.held), event]];
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

function readText(sequences: readonly string[], words: string, index: number): Step {
  const hit = firstHit(sequences, words);
  if (hit !== undefined) {
    const before = text(index, words.slice(0, hit.at));
    return [{ held: '', found: hit.sequence }, [...before, { type: 'content_block_stop', index }]];
  }
  const held = Math.max(...sequences.map((sequence) => overlap(words, sequence)));
  return [
    { held: words.slice(words.length - held), found: undefined },
    text(index, words.slice(0, words.length - held)),
  ];
}

/** The sequence that is complete first, as the API would have stopped there, however the text was cut into pieces. */
function firstHit(sequences: readonly string[], words: string) {
  return sequences
    .map((sequence) => ({ sequence, at: words.indexOf(sequence) }))
    .filter(({ at }) => at !== -1)
    .toSorted((one, other) => one.at + one.sequence.length - (other.at + other.sequence.length))[0];
}

/** How many characters at the end of a text are the beginning of a sequence, but not the whole of it. */
function overlap(words: string, sequence: string): number {
  for (let length = Math.min(words.length, sequence.length - 1); length > 0; length -= 1) {
    if (words.endsWith(sequence.slice(0, length))) return length;
  }
  return 0;
}

function text(index: number, words: string): readonly StreamEvent[] {
  return words === '' ? NOTHING : [{ type: 'content_block_delta', index, delta: { type: 'text_delta', text: words } }];
}

/** Of what follows the sequence only the message's end is shown. */
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
