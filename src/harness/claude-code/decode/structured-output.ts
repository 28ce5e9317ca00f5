import type { HarnessEvent, JsonObject, JsonValue } from '../../../domain/harness-event.js';
import { isJsonObject, asObject } from '../../../domain/json.js';

/** The tool through which the model returns its answer when Claude Code 2.1.330 runs with `--json-schema`. */
export const ANSWER_TOOL = 'StructuredOutput';

/** Whether the tool's input is the answer itself (`direct`), or has it as its only property (`wrapped`). */
export type SchemaWrapping = 'direct' | 'wrapped';

/** An output schema in the form that Claude Code accepts. */
export interface ToolSchema {
  /** The schema of the tool's input, as JSON. */
  readonly schema: string;
  readonly shape: SchemaWrapping;
}

/** Linux rejects an argument of 128 KiB or more. */
export const MAX_SCHEMA_BYTES = 120_000;

const PROPERTY = 'answer';
const ANSWER_BLOCK = 'structured-output';
// Anthropic's API rejects these at the top of a tool's input schema.
const NOT_AT_TOP = ['anyOf', 'oneOf', 'allOf', '$ref'];

/**
 * Converts an output schema for Claude Code 2.1.330, which uses it as a tool's input schema. That has to describe an object: any other
 * schema becomes the only property of one, with its definitions at the top, where references resolve. Claude Code refuses a `$schema`
 * other than draft 7, such as the 2020-12 that most libraries write, so `$schema` is removed (seen).
 */
export function toToolSchema(schema: JsonObject): ToolSchema {
  const { $schema: _dialect, $id: _id, ...bare } = schema;
  const isObject = bare['type'] === 'object' || (bare['type'] === undefined && isJsonObject(bare['properties']));
  if (isObject && NOT_AT_TOP.every((key) => bare[key] === undefined)) {
    return { schema: JSON.stringify({ ...bare, type: 'object' }), shape: 'direct' };
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

/** Converts the input of the tool to the turn's answer, as one text block. */
export function answerEvents(input: JsonValue, shape: SchemaWrapping): readonly HarnessEvent[] {
  const answer = shape === 'wrapped' ? (asObject(input)[PROPERTY] ?? null) : input;
  return [
    { type: 'text-delta', id: ANSWER_BLOCK, text: JSON.stringify(answer) },
    { type: 'block-end', id: ANSWER_BLOCK },
  ];
}

/** The failure of a turn without a valid answer. `cause` is the first error that Claude Code reports. */
export function toMissingAnswerFailure(cause = ''): HarnessEvent {
  const mismatch = /Output does not match required schema: (.+)$/s.exec(cause)?.[1];
  const message = "The agent's answer did not follow the schema";
  return {
    type: 'turn-failed',
    kind: 'internal',
    message: mismatch === undefined ? `${message}.` : `${message}: ${mismatch}`,
  };
}
