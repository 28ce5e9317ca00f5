import { type MonoTypeOperatorFunction, of, pipe } from 'rxjs';
import { answerAsToolCall, type ForcedCall } from './forced-tool.js';
import { collect } from '../collect.js';
import { replayMessage } from '../replay-message.js';
import { applyPresentation, type Presentation } from './apply-presentation.js';
import { applyStopSequences } from './stop-sequence.js';
import type { Message, StreamEvent } from '../../anthropic/stream-event.js';

/** The form in which a request wants its answer. */
export interface AnswerView {
  readonly presentation: Presentation;
  readonly stopSequences: readonly string[];
  /** The call of the caller's tool that the answer becomes; `undefined` for an answer that is no call. */
  readonly forcedCall: ForcedCall | undefined;
}

/**
 * Converts a message to the form that its caller wants. Calls `stopped` once if the message ends at a stop sequence.
 *
 * Completes and errors as its source does; unsubscribing unsubscribes the source.
 */
export function applyAnswerView(
  form: AnswerView,
  stopped: () => void,
): MonoTypeOperatorFunction<readonly StreamEvent[]> {
  return pipe(
    applyStopSequences(form.stopSequences, stopped),
    answerAsToolCall(form.forcedCall),
    applyPresentation(form.presentation),
  );
}

/** Converts the content of a complete message to that form, in which its caller sends it back as history. */
export function contentAsShown(message: Message, form: AnswerView): Message['content'] {
  const events: StreamEvent[] = [];
  of(replayMessage(message, null))
    .pipe(applyAnswerView(form, () => undefined))
    .subscribe((batch) => events.push(...batch));
  const collected = collect(events);
  return 'message' in collected ? collected.message.content : [];
}
