import type { JsonObject } from '../../domain/harness-event.js';
import { isJsonObject } from '../../domain/json.js';
import type { ClientProfile } from '../../clients/client-profile.js';
import { badRequest } from '../../anthropic/anthropic.exception.js';
import { missingOr } from '../../http/field-problems.js';
import { isUsable } from '../../workers/check-schema.js';
import type { CreateMessageDto } from './create-message.dto.js';

/** The structured form in which a request wants its answer; empty for free text. */
export interface AnswerFormat {
  /** The JSON Schema that the answer must follow. */
  readonly schema?: JsonObject;
  /** The caller's tool that receives the answer. */
  readonly tool?: string;
}

/**
 * Reads the form in which a request wants its answer from its output format or from a tool that it forces.
 *
 * Rejects with an AnthropicException (400) if the output format is not a schema, or its schema cannot be compiled.
 */
export async function readAnswerFormat(body: CreateMessageDto, client: ClientProfile): Promise<AnswerFormat> {
  const schema = await readOutputSchema(body);
  if (schema !== undefined) return { schema };
  const tool = findAnswerTool(body, client);
  return tool !== undefined && (await isUsable(tool.schema)) ? { schema: tool.schema, tool: tool.name } : {};
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
    const reason = 'has an unresolvable $ref or an invalid pattern, or is too large';
    throw badRequest(`${path}.schema: ${reason}`);
  }
  return schema;
}

/** The caller's tool that receives the answer. */
interface AnswerTool {
  readonly name: string;
  /** JSON Schema of its input. */
  readonly schema: JsonObject;
}

/**
 * Finds the tool that a request forces. Clients that do not support `output_config.format` request structured answers this way.
 * `undefined` if the request leaves the choice to the agent, which never calls the caller's tools. A client's profile may name a tool
 * that counts as forced. [LangChain 1.5.11, Vercel AI SDK 7.0.173]
 */
function findAnswerTool(
  body: Pick<CreateMessageDto, 'tools' | 'tool_choice'>,
  client: ClientProfile,
): AnswerTool | undefined {
  const choice = body.tool_choice?.['type'];
  const tools = body.tools?.flatMap(toAnswerTool) ?? [];
  const findTool = (name: unknown): AnswerTool | undefined => tools.find((tool) => tool.name === name);
  if (choice === 'tool') return findTool(body.tool_choice?.['name']);
  if (choice === 'any' && body.tools?.length === 1) return tools[0];
  return client.answerTool === undefined ? undefined : findTool(client.answerTool);
}

/** Reads a tool that the caller runs; tools that the API runs have no schema. */
function toAnswerTool(tool: unknown): readonly AnswerTool[] {
  if (!isJsonObject(tool)) return [];
  const { name, input_schema: schema } = tool;
  return typeof name === 'string' && isJsonObject(schema) ? [{ name, schema }] : [];
}
