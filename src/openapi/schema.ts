// Helpers for the JSON Schemas of the OpenAPI document (3.1, so JSON Schema 2020-12).
import type { ReferenceObject, SchemaObject } from '@nestjs/swagger';

/** A schema, or a reference to one in the components. */
export type Schema = SchemaObject | ReferenceObject;

export const TEXT: SchemaObject = { type: 'string' };
export const INTEGER: SchemaObject = { type: 'integer' };
export const BOOLEAN: SchemaObject = { type: 'boolean' };
export const NULL: SchemaObject = { type: 'null' };
export const TIME: SchemaObject = { type: 'string', format: 'date-time' };
/** An object with any properties. */
export const ANY_OBJECT: SchemaObject = { type: 'object', additionalProperties: true };

/** Refers to a schema of the document's components. */
export function ref(name: string): ReferenceObject {
  return { $ref: `#/components/schemas/${name}` };
}

/** One of these texts. */
export function oneOfTexts(...values: readonly string[]): SchemaObject {
  return { type: 'string', enum: [...values] };
}

/** Always this boolean. */
export function always(value: boolean): SchemaObject {
  return { type: 'boolean', enum: [value] };
}

export function list(items: Schema): SchemaObject {
  return { type: 'array', items };
}

export function nullable(schema: Schema): SchemaObject {
  return 'type' in schema && typeof schema.type === 'string' && schema.enum === undefined
    ? { ...schema, type: [schema.type, 'null'] }
    : { anyOf: [schema, NULL] };
}

/** An object that always has all of these properties, except for the optional ones. */
export function object(
  properties: Readonly<Record<string, Schema>>,
  optional: Readonly<Record<string, Schema>> = {},
): SchemaObject {
  return { type: 'object', required: Object.keys(properties), properties: { ...properties, ...optional } };
}

/** Adds a description to a schema. */
export function described(description: string, schema: SchemaObject): SchemaObject {
  return { ...schema, description };
}

/**
 * The schema of server-sent events. OpenAPI 3.1 cannot describe a stream of JSON values, so the body is a string, and `contentSchema`
 * describes the JSON in the `data` of each event.
 */
export function eventStream(data: ReferenceObject): SchemaObject {
  const name = data.$ref.replace(/^.*\//, '');
  const content = { contentMediaType: 'text/event-stream', contentSchema: data };
  return {
    type: 'string',
    description: `Server-sent events. The \`data\` of each is a \`${name}\` as JSON.`,
    ...content,
  };
}
