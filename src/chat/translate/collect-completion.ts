import type { FailureKind } from '../../domain/harness-event.js';
import type { OpenaiFailure } from '../../openai/errors/failure-form.js';
import type { CompletionMessage, CompletionUsage, FinishReason, FunctionCall } from '../wire/completion.js';
import type { CompletionEvent } from './completion-state.js';

/** Collects the events of an answer. Mutable: a long answer has many. */
export class CompletionCollector {
  readonly #content: string[] = [];
  readonly #reasoning: string[] = [];
  readonly #calls: FunctionCall[] = [];
  /** How the answer ended; `undefined` before that. */
  end: { readonly finishReason: FinishReason; readonly usage: CompletionUsage } | undefined;
  /** Why there is no answer; `undefined` if there is one. */
  failure: { readonly failure: OpenaiFailure; readonly kind: FailureKind } | undefined;

  /** Adds the next events. */
  add(events: readonly CompletionEvent[]): void {
    for (const event of events) {
      switch (event.type) {
        case 'delta':
          if ('content' in event.delta) this.#content.push(event.delta.content);
          else if ('reasoning_content' in event.delta) this.#reasoning.push(event.delta.reasoning_content);
          else for (const { index: _, ...call } of event.delta.tool_calls) this.#calls.push(call);
          break;
        case 'end':
          this.end = event;
          break;
        case 'failure':
          this.failure = event;
          break;
        default:
          event satisfies never;
      }
    }
  }

  /** The message so far. */
  get message(): CompletionMessage {
    const content = this.#content.join('');
    return {
      role: 'assistant',
      content: content === '' && this.#calls.length > 0 ? null : content,
      refusal: null,
      ...(this.#reasoning.length === 0 ? {} : { reasoning_content: this.#reasoning.join('') }),
      ...(this.#calls.length === 0 ? {} : { tool_calls: this.#calls }),
    };
  }
}
