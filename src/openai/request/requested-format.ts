import type { JsonObject } from '../../domain/harness-event.js';
import { asObject, isJsonObject } from '../../domain/json.js';
import { ServiceError } from '../../domain/service-error.js';
import { isUsable } from '../../workers/check-schema.js';

/** The form in which a request wants the text of its answer. */
export interface RequestedFormat {
  /** The JSON Schema that the answer must follow; `undefined` for free text. */
  readonly schema: JsonObject | undefined;
  /** The request's own words, as a response repeats them. */
  readonly echo: JsonObject;
}

const FREE: RequestedFormat = { schema: undefined, echo: { type: 'text' } };

/**
 * Reads the format of an answer. Rejects with a ServiceError (`bad_request`) for another one than text and JSON, or a schema that cannot be
 * checked.
 *
 * @param field where the API has it. `response_format` has a schema and its name in an object of their own, `json_schema`.
 */
export async function readRequestedFormat(
  format: unknown,
  field: 'text.format' | 'response_format',
): Promise<RequestedFormat> {
  if (format === undefined || format === null) return FREE;
  if (!isJsonObject(format)) throw refuseFormat(field, 'must be an object');
  switch (format['type']) {
    case 'text':
      return FREE;
    case 'json_object':
      return { schema: { type: 'object' }, echo: format };
    case 'json_schema': {
      const isNested = field === 'response_format';
      const { schema } = isNested ? asObject(format['json_schema']) : format;
      const path = isNested ? `${field}.json_schema.schema` : `${field}.schema`;
      if (!isJsonObject(schema)) throw refuseFormat(path, 'must be a JSON Schema');
      if (await isUsable(schema)) return { schema, echo: format };
      throw refuseFormat(path, 'has an unresolvable $ref or an invalid pattern, or is too large');
    }
    default:
      throw refuseFormat(`${field}.type`, 'must be text, json_schema or json_object');
  }
}

function refuseFormat(field: string, problem: string): ServiceError {
  return new ServiceError('bad_request', `${field}: ${problem}`);
}
