import type { MonoTypeOperatorFunction } from 'rxjs';
import { mapBatches, statefulMapper } from './map-batches.js';
import type { ContentBlock, McpToolResultBlock, McpToolUseBlock, StreamEvent } from '../../anthropic/stream-event.js';
import { renderCall, renderResult } from './tool-lines.js';
import { blockDelta, blockStart, completeBlockEvents } from '../../anthropic/stream-parts.js';

interface State {
  /** Number of blocks emitted so far: the index of the next one. */
  readonly shown: number;
  /** The call whose block is open, because its result may come next. */
  readonly waiting: string | undefined;
  /**
   * How the deltas and the stop of the source's current block are handled. `passes`: emitted; `done`: dropped, because the block was
   * emitted with its start; `silent`: a thinking block without text so far, while a call waits for its result.
   */
  readonly block: 'passes' | 'done' | 'silent';
  /** The text of each call that has no result yet. */
  readonly calls: ReadonlyMap<string, string>;
}

type Step = readonly [State, readonly StreamEvent[]];

const NOTHING: readonly StreamEvent[] = [];

/**
 * Renders inner tools as text: each call opens a block, which also gets its result if nothing comes between. A later result gets a
 * separate block that names its call. Renumbers the blocks 0, 1, 2….
 *
 * An empty thinking block only keeps the connection alive; while a call waits, its deltas go into the call's block. So live readers
 * and later readers get the same blocks.
 *
 * Completes and errors as its source does; unsubscribing unsubscribes the source.
 */
export function toolsAsText(outputLimit: number): MonoTypeOperatorFunction<readonly StreamEvent[]> {
  const start: State = { shown: 0, waiting: undefined, block: 'done', calls: new Map() };
  return mapBatches(() => statefulMapper(start, (state, event) => show(outputLimit, state, event)));
}

function show(outputLimit: number, state: State, event: StreamEvent): Step {
  switch (event.type) {
    case 'content_block_start':
      return showStart(outputLimit, state, event.content_block);
    case 'content_block_delta':
      return showDelta(state, event);
    case 'content_block_stop':
      return [
        { ...state, block: 'done' },
        state.block === 'passes' ? [{ type: 'content_block_stop', index: state.shown - 1 }] : NOTHING,
      ];
    case 'message_delta':
    case 'message_stop':
    case 'error':
      return andThen(closeCall(state), (closed) => [closed, [event]]);
    case 'message_start':
    case 'ping':
      return [state, [event]];
    default:
      return event satisfies never;
  }
}

function showStart(outputLimit: number, state: State, block: ContentBlock): Step {
  if (block.type === 'mcp_tool_use') return andThen(closeCall(state), (closed) => openCall(closed, block));
  if (block.type === 'mcp_tool_result') return showResult(outputLimit, state, block);
  if (block.type === 'thinking' && state.waiting !== undefined) return [{ ...state, block: 'silent' }, NOTHING];
  return andThen(closeCall(state), (closed) => begin(closed, block));
}

function showDelta(state: State, event: Extract<StreamEvent, { readonly type: 'content_block_delta' }>): Step {
  const index = state.shown - 1;
  switch (state.block) {
    case 'passes':
      // The hot path of every token.
      return [state, [event.index === index ? event : { ...event, index }]];
    case 'done':
      return [state, NOTHING];
    case 'silent': {
      const { delta } = event;
      if (delta.type === 'thinking_delta' && delta.thinking === '') return [state, [blockDelta('text', index, '')]];
      if (delta.type === 'signature_delta' && delta.signature === '') return [state, NOTHING];
      const thinking: ContentBlock = { type: 'thinking', thinking: '', signature: '' };
      const begun = andThen(closeCall(state), (closed) => begin(closed, thinking));
      return andThen(begun, (next) => showDelta(next, event));
    }
    default:
      return state.block satisfies never;
  }
}

function begin(state: State, block: ContentBlock): Step {
  const { shown } = state;
  return [
    { ...state, shown: shown + 1, block: 'passes' },
    [{ type: 'content_block_start', index: shown, content_block: block }],
  ];
}

/** Sends the line with its line end: Claude Code 2.1.330 shows only complete lines of a stream. */
function openCall({ shown, calls }: State, block: McpToolUseBlock): Step {
  const text = renderCall(block);
  return [
    { shown: shown + 1, waiting: block.id, block: 'done', calls: new Map(calls).set(block.id, text) },
    [blockStart('text', shown), blockDelta('text', shown, `${text}\n`)],
  ];
}

function showResult(outputLimit: number, state: State, block: McpToolResultBlock): Step {
  const text = renderResult(block, outputLimit);
  const calls = new Map(state.calls);
  calls.delete(block.tool_use_id);
  if (state.waiting === block.tool_use_id) {
    return andThen([{ ...state, calls }, [blockDelta('text', state.shown - 1, text)]], closeCall);
  }
  const call = state.calls.get(block.tool_use_id) ?? 'a tool';
  return andThen(closeCall({ ...state, calls }), (closed) => [
    { ...closed, shown: closed.shown + 1, block: 'done' },
    completeBlockEvents(closed.shown, { type: 'text', text: `Result of ${call}\n${text}`, citations: null }),
  ]);
}

function closeCall(state: State): Step {
  if (state.waiting === undefined) return [state, NOTHING];
  return [{ ...state, waiting: undefined, block: 'done' }, [{ type: 'content_block_stop', index: state.shown - 1 }]];
}

function andThen([state, events]: Step, step: (state: State) => Step): Step {
  const [next, more] = step(state);
  return [next, [...events, ...more]];
}
