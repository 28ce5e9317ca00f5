import type { FailureKind, TokenUsage } from '../../domain/harness-event.js';
import type { OpenaiFailure } from '../../openai/errors/failure-form.js';
import type { ForcedCall } from '../../translator/views/forced-tool.js';
import type { CompletionDelta, CompletionUsage, FinishReason } from '../wire/completion.js';

/** How a caller wants its answer. */
export interface CompletionView {
  /** Whether each call of an inner tool is a line of text. */
  readonly hasToolLines: boolean;
  /** The answer ends before the first of these. */
  readonly stopSequences: readonly string[];
  /** The call that the answer, which is JSON, becomes; `undefined` for none. */
  readonly forcedCall: ForcedCall | undefined;
}

/** What a caller is sent of an answer. The last event is `end` or `failure`. */
export type CompletionEvent =
  | { readonly type: 'delta'; readonly delta: CompletionDelta }
  | { readonly type: 'end'; readonly finishReason: FinishReason; readonly usage: CompletionUsage }
  | { readonly type: 'failure'; readonly failure: OpenaiFailure; readonly kind: FailureKind };

/** The two texts of an answer. */
export type CompletionField = 'content' | 'reasoning_content';

/** The translation state of a turn's answer. Immutable. */
export interface CompletionState {
  readonly view: CompletionView;
  readonly messageId: string;
  /** The block whose text is being sent; `undefined` between blocks. */
  readonly open: { readonly field: CompletionField; readonly blockId: string } | undefined;
  /** The texts that have begun: what comes next in them is a paragraph of its own. */
  readonly begun: readonly CompletionField[];
  /** The end of the open block, which may start a stop sequence. */
  readonly held: string;
  /** The stop sequence before which the answer ended. */
  readonly stoppedAt: string | undefined;
  /** How many calls of the caller's functions were sent. */
  readonly calls: number;
  readonly totals: TokenUsage | undefined;
  readonly isDone: boolean;
}

/** The next state, and the events to send. */
export type CompletionStep = readonly [CompletionState, readonly CompletionEvent[]];

/** Makes the state before anything is sent. */
export function initialCompletionState(messageId: string, view: CompletionView): CompletionState {
  return {
    view,
    messageId,
    open: undefined,
    begun: [],
    held: '',
    stoppedAt: undefined,
    calls: 0,
    totals: undefined,
    isDone: false,
  };
}
