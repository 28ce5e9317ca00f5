import type { JsonObject } from '../../domain/harness-event.js';
import { isJsonObject } from '../../domain/json.js';
import type { ClientProfile } from '../../clients/client-profile.js';
import { badRequest } from '../../anthropic/anthropic.exception.js';
import { missingOr } from '../../http/field-problems.js';
import type { ForcedCall } from '../../translator/views/forced-tool.js';
import { isUsable } from '../../workers/check-schema.js';
import type { CreateMessageDto } from './create-message.dto.js';
import { readToolChoice } from './tools/tool-choice.js';

const UNUSABLE = 'has an unresolvable $ref or an invalid pattern, or is too large';

/** The structured form in which a request wants its answer; empty for free text. */
export interface AnswerFormat {
  /** The JSON Schema that the answer must follow. */
  readonly schema?: JsonObject;
  /** The call of a caller's tool that the answer becomes. */
  readonly call?: ForcedCall;
}

/**
 * Reads the form in which a request wants its answer from its output format or from a call that it forces.
 *
 * Rejects with an AnthropicException (400) if the output format is not a schema, a schema cannot be compiled, or `tool_choice` is wrong.
 */
export async function readAnswerFormat(body: CreateMessageDto, client: ClientProfile): Promise<AnswerFormat> {
  const choice = readToolChoice(body);
  const schema = await readOutputSchema(body);
  if (schema !== undefined) return { schema };
  const tools = body.tools?.flatMap(toAnswerTool) ?? [];
  switch (choice.type) {
    case 'tool':
      return forceCall(tools.filter(({ name }) => name === choice.name));
    case 'any':
      return forceCall(tools);
    case 'auto':
    case 'none': {
      // A client that does not force the tool may not have a schema for it that we can check.
      const tool = tools.find(({ name }) => name === client.answerTool);
      return tool !== undefined && (await isUsable(tool.schema)) ? toFormat([tool]) : {};
    }
    default:
      return choice satisfies never;
  }
}

/**
 * Forces the answer to be a call of one of these tools. Clients that do not support `output_config.format` request structured answers
 * this way. [LangChain 1.5.11, Vercel AI SDK 7.0.173]
 */
async function forceCall(tools: readonly AnswerTool[]): Promise<AnswerFormat> {
  if (tools.length === 0) throw badRequest('tool_choice: only tools with an input_schema can be forced');
  const format = toFormat(tools);
  if (format.schema === undefined || !(await isUsable(format.schema))) {
    throw badRequest(`tool_choice: a forced tool's input_schema ${UNUSABLE}`);
  }
  return format;
}

function toFormat(tools: readonly AnswerTool[]): AnswerFormat {
  const [first, ...others] = tools;
  if (first !== undefined && others.length === 0) {
    return { schema: first.schema, call: { kind: 'tool', name: first.name } };
  }
  const anyOf = tools.map(({ name, schema }): JsonObject => ({
    type: 'object',
    properties: { tool: { const: name }, input: schema },
    required: ['tool', 'input'],
    additionalProperties: false,
  }));
  return { schema: { anyOf }, call: { kind: 'choice' } };
}

/**
 * Reads the JSON Schema of the answer from `output_config.format` or the older `output_format`; `undefined` for free text.
 *
 * @throws AnthropicException (400) for a format that is not a schema.
 */
async function readOutputSchema(body: CreateMessageDto): Promise<JsonObject | undefined> {
  const inConfig = body.output_config?.['format'];
  const [format, path] =
    inConfig === undefined || inConfig === null
      ? [body.output_format, 'output_format']
      : [inConfig, 'output_config.format'];
  if (format === undefined || format === null) return undefined;
  if (!isJsonObject(format)) throw badRequest(`${path}: Input should be a valid dictionary`);
  const { type, schema } = format;
  if (type !== 'json_schema') throw badRequest(`${path}.type: ${missingOr(type, "Input should be 'json_schema'")}`);
  if (!isJsonObject(schema))
    throw badRequest(`${path}.schema: ${missingOr(schema, 'Input should be a valid dictionary')}`);
  if (!(await isUsable(schema))) {
    throw badRequest(`${path}.schema: ${UNUSABLE}`);
  }
  return schema;
}

/** A tool of the caller whose input the answer can be. */
interface AnswerTool {
  readonly name: string;
  /** JSON Schema of its input. */
  readonly schema: JsonObject;
}

/** Reads a tool that the caller runs; tools that the API runs have no schema. */
function toAnswerTool(tool: unknown): readonly AnswerTool[] {
  if (!isJsonObject(tool)) return [];
  const { name, input_schema: schema } = tool;
  return typeof name === 'string' && isJsonObject(schema) ? [{ name, schema }] : [];
}
