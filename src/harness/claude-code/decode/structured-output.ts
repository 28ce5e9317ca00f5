import type { HarnessEvent, JsonObject, JsonValue } from '../../../domain/harness-event.js';
import { isJsonObject, asObject } from '../../../domain/json.js';

/** The tool by which the model gives its answer to Claude Code 2.1.330 when that runs with `--json-schema`. */
export const ANSWER_TOOL = 'StructuredOutput';

/** Where in the tool's input the answer is: the input is the answer, or has it as its only property. */
export type SchemaWrapping = 'whole' | 'wrapped';

/** What Claude Code is started with for an answer of a schema. */
export interface ToolSchema {
  /** The schema of the tool's input, as JSON. */
  readonly schema: string;
  readonly shape: SchemaWrapping;
}

/** Linux takes no argument of 128 KiB or more. */
export const MAX_SCHEMA_BYTES = 120_000;

const PROPERTY = 'answer';
const ANSWER_BLOCK = 'structured-output';
// What Anthropic's API does not take at the top of a tool's input schema.
const NOT_AT_TOP = ['anyOf', 'oneOf', 'allOf', '$ref'];

/**
 * How a schema is handed to Claude Code 2.1.330. That makes it a tool's input schema, which has to be an object's: anything
 * else is put into one, with its definitions above it, where references look for them. It refuses a `$schema` other than
 * draft 7, and with it the 2020-12 that most libraries write, so none is handed on (seen).
 */
export function toToolSchema(schema: JsonObject): ToolSchema {
  const { $schema: _dialect, $id: _id, ...bare } = schema;
  const isObject = bare['type'] === 'object' || (bare['type'] === undefined && isJsonObject(bare['properties']));
  if (isObject && NOT_AT_TOP.every((key) => bare[key] === undefined)) {
    return { schema: JSON.stringify({ ...bare, type: 'object' }), shape: 'whole' };
  }
  const { $defs, definitions, ...answer } = bare;
  const wrapper = {
    type: 'object',
    properties: { [PROPERTY]: answer },
    required: [PROPERTY],
    additionalProperties: false,
    ...($defs === undefined ? {} : { $defs }),
    ...(definitions === undefined ? {} : { definitions }),
  };
  return { schema: JSON.stringify(wrapper), shape: 'wrapped' };
}

/** The turn's answer as one text block, from the input of the tool. */
export function answerEvents(input: JsonValue, shape: SchemaWrapping): readonly HarnessEvent[] {
  const answer = shape === 'wrapped' ? (asObject(input)[PROPERTY] ?? null) : input;
  return [
    { type: 'text-delta', id: ANSWER_BLOCK, text: JSON.stringify(answer) },
    { type: 'block-end', id: ANSWER_BLOCK },
  ];
}

/** The end of a turn whose model did not give an answer of the schema. `cause` is the first error that Claude Code tells. */
export function missingAnswerFailure(cause = ''): HarnessEvent {
  const mismatch = /Output does not match required schema: (.+)$/s.exec(cause)?.[1];
  const message = "The agent's answer did not follow the schema";
  return {
    type: 'turn-failed',
    kind: 'internal',
    message: mismatch === undefined ? `${message}.` : `${message}: ${mismatch}`,
  };
}
