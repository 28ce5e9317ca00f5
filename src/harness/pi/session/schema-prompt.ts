import type { JsonObject } from '../../../domain/harness-event.js';
import type { Prompt } from '../../../domain/prompt.js';

const BEFORE =
  'Your last message of this turn has to be one JSON value that matches the JSON Schema below, and nothing else: no words before or after it, and ' +
  'no code fence. Other programs read it.\n\n';

/** Asks for an answer of a schema: pi 1.6.0 has no other way to do that. */
export function withPiSchema(prompt: Prompt, schema: JsonObject | undefined): Prompt {
  return schema === undefined ? prompt : [...prompt, { type: 'text', text: `${BEFORE}${JSON.stringify(schema)}` }];
}
