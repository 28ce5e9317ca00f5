import { type MonoTypeOperatorFunction, pipe } from 'rxjs';
import { mapBatches, statefulMapper } from './map-batches.js';
import type { ContentBlock, ContentDelta, StreamEvent } from '../../anthropic/stream-event.js';
import type { ToolBlockForm } from '../../domain/tool-block-form.js';
import { toolBlock } from './tool-blocks.js';
import { toolsAsText } from './tools-as-text.js';
import { completeBlockEvents } from '../../anthropic/stream-parts.js';

/** The parts of a message that one caller gets. The stored message and the views of other callers do not depend on it. */
export interface Presentation {
  readonly toolBlocks: ToolBlockForm;
  /** Maximum output of an inner tool, in characters; longer output is truncated. */
  readonly toolOutputLimit: number;
  /** `omitted`: only the signatures of thinking, as the API does for `thinking.display: "omitted"`; `none`: nothing. */
  readonly thinking: 'shown' | 'omitted' | 'none';
  /**
   * Whether an empty text block follows an answer that ends in a tool block: `claude -p` fails with "Execution error" without it.
   * [Claude Code 2.1.330, 2.1.197]
   */
  readonly endsInText?: boolean;
}

interface State {
  /** Number of blocks emitted so far: the index of the next one. */
  readonly shown: number;
  /**
   * The state of the source's current block. `shown`: it passes; `muted`: started, but its thinking text is dropped; `hidden`: not
   * started, because it may have nothing to show; `done`: its stop is sent, or the block is dropped.
   */
  readonly block: 'shown' | 'muted' | 'hidden' | 'done';
  /** Whether the last emitted block is a tool block. */
  readonly endsInTool: boolean;
}

type BlockDelta = Extract<StreamEvent, { readonly type: 'content_block_delta' }>;
type Step = readonly [State, readonly StreamEvent[]];

const NOTHING: readonly StreamEvent[] = [];

/**
 * Converts a message to the form that its caller wants: inner tools in another form or dropped, thinking without its text. Renumbers
 * the remaining blocks 0, 1, 2…. An empty thinking delta always passes, because it keeps the connection alive.
 *
 * Completes and errors as its source does; unsubscribing unsubscribes the source.
 */
export function applyPresentation(presentation: Presentation): MonoTypeOperatorFunction<readonly StreamEvent[]> {
  const start: State = { shown: 0, block: 'done', endsInTool: false };
  const blocks = mapBatches(() => statefulMapper(start, (state, event) => show(presentation, state, event)));
  return presentation.toolBlocks === 'text' ? pipe(blocks, toolsAsText(presentation.toolOutputLimit)) : blocks;
}

function show(presentation: Presentation, state: State, event: StreamEvent): Step {
  switch (event.type) {
    case 'content_block_start':
      return showStart(presentation, state, event.content_block);
    case 'content_block_delta':
      return showDelta(presentation, state, event);
    case 'content_block_stop':
      if (state.block === 'hidden' || state.block === 'done') return [{ ...state, block: 'done' }, NOTHING];
      return [{ ...state, block: 'done' }, [{ type: 'content_block_stop', index: state.shown - 1 }]];
    case 'message_delta':
      if (presentation.endsInText !== true || !state.endsInTool) return [state, [event]];
      return [state, [...completeBlockEvents(state.shown, { type: 'text', text: '', citations: null }), event]];
    case 'message_start':
    case 'message_stop':
    case 'ping':
    case 'error':
      return [state, [event]];
    default:
      return event satisfies never;
  }
}

function showStart(presentation: Presentation, state: State, block: ContentBlock): Step {
  const { shown } = state;
  if (block.type === 'mcp_tool_use' || block.type === 'mcp_tool_result') {
    const form = toolBlock(block, presentation.toolBlocks, presentation.toolOutputLimit);
    return form === undefined
      ? [{ ...state, block: 'done' }, NOTHING]
      : [
          { shown: shown + 1, block: 'done', endsInTool: presentation.toolBlocks !== 'text' },
          completeBlockEvents(shown, form),
        ];
  }
  if (block.type === 'thinking' && presentation.thinking !== 'shown') return [{ ...state, block: 'hidden' }, NOTHING];
  const begun: State = { shown: shown + 1, block: 'shown', endsInTool: false };
  return [begun, [{ type: 'content_block_start', index: shown, content_block: block }]];
}

function showDelta(presentation: Presentation, state: State, event: BlockDelta): Step {
  const { shown, block } = state;
  const { delta } = event;
  switch (block) {
    case 'shown':
      // The hot path of every token.
      return [state, [event.index === shown - 1 ? event : { ...event, index: shown - 1 }]];
    case 'muted':
      if (delta.type === 'thinking_delta' && delta.thinking !== '') return [state, NOTHING];
      return [state, [{ type: 'content_block_delta', index: shown - 1, delta: withoutSignature(presentation, delta) }]];
    case 'hidden': {
      const keepsAlive = delta.type === 'thinking_delta' && delta.thinking === '';
      const isSignature =
        delta.type === 'signature_delta' && delta.signature !== '' && presentation.thinking === 'omitted';
      if (!keepsAlive && !isSignature) return [state, NOTHING];
      const begin: StreamEvent = {
        type: 'content_block_start',
        index: shown,
        content_block: { type: 'thinking', thinking: '', signature: '' },
      };
      return [
        { shown: shown + 1, block: 'muted', endsInTool: false },
        [begin, { type: 'content_block_delta', index: shown, delta }],
      ];
    }
    case 'done':
      return [state, NOTHING];
    default:
      return block satisfies never;
  }
}

/** Drops the signature of hidden thinking from a block that was started only to keep the connection alive. */
function withoutSignature({ thinking }: Presentation, delta: ContentDelta): ContentDelta {
  return thinking === 'none' && delta.type === 'signature_delta' ? { ...delta, signature: '' } : delta;
}
