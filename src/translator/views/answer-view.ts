import { type MonoTypeOperatorFunction, of, pipe } from 'rxjs';
import { asToolCall } from './forced-tool.js';
import { collect } from '../collect.js';
import { expandMessage } from '../replay-message.js';
import { present, type Presentation } from './apply-presentation.js';
import { stopAt } from './stop-sequence.js';
import type { Message, StreamEvent } from '../../anthropic/stream-event.js';

/** In which form a request wants its answer. */
export interface AnswerForm {
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
export function inForm(form: AnswerForm, stopped: () => void): MonoTypeOperatorFunction<readonly StreamEvent[]> {
  return pipe(stopAt(form.stopSequences, stopped), asToolCall(form.answerTool), present(form.presentation));
}

/** The content of a whole message in that form: what its caller has, and sends back as history. */
export function contentInForm(message: Message, form: AnswerForm): Message['content'] {
  const events: StreamEvent[] = [];
  of(expandMessage(message, null))
    .pipe(inForm(form, () => undefined))
    .subscribe((batch) => events.push(...batch));
  const collected = collect(events);
  return 'message' in collected ? collected.message.content : [];
}
