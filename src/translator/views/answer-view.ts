import { type MonoTypeOperatorFunction, of, pipe } from 'rxjs';
import { answerAsToolCall } from './forced-tool.js';
import { collect } from '../collect.js';
import { replayMessage } from '../replay-message.js';
import { applyPresentation, type Presentation } from './apply-presentation.js';
import { applyStopSequences } from './stop-sequence.js';
import type { Message, StreamEvent } from '../../anthropic/stream-event.js';

/** In which form a request wants its answer. */
export interface AnswerView {
  readonly presentation: Presentation;
  readonly stopSequences: readonly string[];
  /** The caller's tool that wants the answer as its input. */
  readonly answerTool: string | undefined;
}

/**
 * A message in the form that its caller wants. `stopped` is called once when it ends at a stop sequence.
 *
 * Completes and errors as its source does; unsubscribing unsubscribes the source.
 */
export function applyAnswerView(
  form: AnswerView,
  stopped: () => void,
): MonoTypeOperatorFunction<readonly StreamEvent[]> {
  return pipe(
    applyStopSequences(form.stopSequences, stopped),
    answerAsToolCall(form.answerTool),
    applyPresentation(form.presentation),
  );
}

/** The content of a whole message in that form: what its caller has, and sends back as history. */
export function contentAsShown(message: Message, form: AnswerView): Message['content'] {
  const events: StreamEvent[] = [];
  of(replayMessage(message, null))
    .pipe(applyAnswerView(form, () => undefined))
    .subscribe((batch) => events.push(...batch));
  const collected = collect(events);
  return 'message' in collected ? collected.message.content : [];
}
