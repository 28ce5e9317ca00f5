import type { HarnessEvent, JsonObject } from '../../domain/harness-event.js';
import type { Prompt } from '../../domain/prompt.js';

/** Asks for an answer of a schema, for agents that have no other way to do that. The reader of the events checks the answer. */
export function withSchema(prompt: Prompt, schema: JsonObject | undefined): Prompt {
  if (schema === undefined) return prompt;
  const text =
    'When you are done, end with a message that is one JSON value and nothing else: no other words, no code fence. It must conform to this JSON ' +
    `Schema:\n\n${JSON.stringify(schema)}`;
  return [...prompt, { type: 'text', text }];
}

/**
 * Takes the code fence off texts of a turn that ends with JSON: models put one around it, whatever they are told. Texts are emitted whole, as they can
 * not be taken back.
 */
export class FenceRemover {
  readonly #texts = new Map<string, string>();

  /** Holds texts back until they have ended. */
  apply(events: readonly HarnessEvent[]): readonly HarnessEvent[] {
    return events.flatMap((event): readonly HarnessEvent[] => {
      if (event.type === 'text-delta') {
        this.#texts.set(event.id, (this.#texts.get(event.id) ?? '') + event.text);
        return [];
      }
      const text = event.type === 'block-end' ? this.#texts.get(event.id) : undefined;
      if (event.type !== 'block-end' || text === undefined) return [event];
      this.#texts.delete(event.id);
      return [{ type: 'text-delta', id: event.id, text: removeFence(text) }, event];
    });
  }
}

/** A text without the code fence around it; other texts are unchanged. */
export function removeFence(text: string): string {
  return /^\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*$/s.exec(text)?.[1] ?? text;
}
