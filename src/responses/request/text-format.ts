import type { JsonObject } from '../../domain/harness-event.js';
import { isJsonObject } from '../../domain/json.js';
import { ServiceError } from '../../domain/service-error.js';
import { isUsable } from '../../workers/check-schema.js';

/** The form in which a request wants the text of its answer. */
export interface TextFormat {
  /** The JSON Schema that the answer must follow; `undefined` for free text. */
  readonly schema: JsonObject | undefined;
  /** `text.format` as the response repeats it. */
  readonly echo: JsonObject;
}

const FREE: TextFormat = { schema: undefined, echo: { type: 'text' } };

/** Reads `text.format`. Rejects with a ServiceError (`bad_request`) for another format than text and JSON, or a schema that cannot be checked. */
export async function readTextFormat(text: Readonly<Record<string, unknown>> | null | undefined): Promise<TextFormat> {
  const format = text?.['format'];
  if (format === undefined || format === null) return FREE;
  if (!isJsonObject(format)) throw refuseFormat('text.format', 'must be an object');
  switch (format['type']) {
    case 'text':
      return FREE;
    case 'json_object':
      return { schema: { type: 'object' }, echo: format };
    case 'json_schema': {
      const { schema } = format;
      if (!isJsonObject(schema)) throw refuseFormat('text.format.schema', 'must be a JSON Schema');
      if (await isUsable(schema)) return { schema, echo: format };
      throw refuseFormat('text.format.schema', 'has an unresolvable $ref or an invalid pattern, or is too large');
    }
    default:
      throw refuseFormat('text.format.type', 'must be text, json_schema or json_object');
  }
}

function refuseFormat(field: string, problem: string): ServiceError {
  return new ServiceError('bad_request', `${field}: ${problem}`);
}
