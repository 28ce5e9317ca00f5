import { Validator } from '@cfworker/json-schema';
import type { JsonObject } from '../harness/harness-event.js';
import { isJsonObject } from '../harness/json.js';
import { badRequest } from '../translator/anthropic.exception.js';
import { isObject } from '../turns/canonical.js';
import type { CreateMessageDto } from './dto/create-message.dto.js';

/**
 * The JSON Schema that a request wants its answer to follow, of `output_config.format` or the older `output_format`; `undefined` for an
 * answer in free text.
 *
 * @throws AnthropicException (400) for a format that is not a schema.
 */
export function outputSchema(body: CreateMessageDto): JsonObject | undefined {
  const inConfig = body.output_config?.['format'];
  const [format, path] =
    inConfig === undefined || inConfig === null
      ? [body.output_format, 'output_format']
      : [inConfig, 'output_config.format'];
  if (format === undefined || format === null) return undefined;
  if (!isObject(format) || format['type'] !== 'json_schema') throw badRequest(`${path}.type: must be "json_schema"`);
  const { schema } = format;
  if (!isJsonObject(schema)) throw badRequest(`${path}.schema: must be a JSON Schema`);
  if (!isUsable(schema)) throw badRequest(`${path}.schema: refers to a part that it does not have`);
  return schema;
}

/** References and such are looked up when something is checked. */
function isUsable(schema: JsonObject): boolean {
  try {
    new Validator(schema, '2020-12').validate(null);
    return true;
  } catch {
    // The library says what it stumbled on, with nothing that a caller could use.
    return false;
  }
}
