import type { JsonObject } from '../../domain/harness-event.js';
import { isJsonObject } from '../../domain/json.js';
import type { ClientProfile } from '../../clients/client-profile.js';
import { badRequest } from '../../anthropic/anthropic.exception.js';
import { missingOr } from '../../http/field-problems.js';
import { isUsable } from '../../workers/check-schema.js';
import type { CreateMessageDto } from './create-message.dto.js';

/** The form that a request wants its answer in, besides text. */
export interface AnswerFormat {
  /** The JSON Schema that it is to follow. */
  readonly schema?: JsonObject;
  /** The tool of the caller's that is to be called with it. */
  readonly tool?: string;
}

/**
 * The form that a request wants its answer in, by its output format or by a tool that it forces.
 *
 * Rejects with an AnthropicException (400) for an output format that is not a schema, or whose schema nothing can be checked against.
 */
export async function readAnswerFormat(body: CreateMessageDto, client: ClientProfile): Promise<AnswerFormat> {
  const schema = await readOutputSchema(body);
  if (schema !== undefined) return { schema };
  const tool = findAnswerTool(body, client);
  return tool !== undefined && (await isUsable(tool.schema)) ? { schema: tool.schema, tool: tool.name } : {};
}

/**
 * The JSON Schema that a request wants its answer to follow, of `output_config.format` or the older `output_format`; `undefined` for an
 * answer in free text.
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

/** A tool of the caller's that is to be called with the answer. */
interface AnswerTool {
  readonly name: string;
  /** JSON Schema of its input. */
  readonly schema: JsonObject;
}

/**
 * The tool that a request forces to be called, which is how programs ask for an answer of a schema that do not know
 * `output_config.format`; `undefined` when it leaves the choice to the agent, which has tools of its own and calls none of the
 * caller's. A client may hand a tool over for it without forcing it. [LangChain 1.5.11, Vercel AI SDK 7.0.173]
 */
function findAnswerTool(
  body: Pick<CreateMessageDto, 'tools' | 'tool_choice'>,
  client: ClientProfile,
): AnswerTool | undefined {
  const choice = body.tool_choice?.['type'];
  const tools = body.tools?.flatMap(toAnswerTool) ?? [];
  const named = (name: unknown): AnswerTool | undefined => tools.find((tool) => tool.name === name);
  if (choice === 'tool') return named(body.tool_choice?.['name']);
  if (choice === 'any' && body.tools?.length === 1) return tools[0];
  return client.answerTool === undefined ? undefined : named(client.answerTool);
}

/** A tool that the caller runs; those that the API runs have no schema of their own. */
function toAnswerTool(tool: unknown): readonly AnswerTool[] {
  if (!isJsonObject(tool)) return [];
  const { name, input_schema: schema } = tool;
  return typeof name === 'string' && isJsonObject(schema) ? [{ name, schema }] : [];
}
