import {
  CALLER_TOOLS_POLICIES,
  type CallerTool,
  type CallerTools,
  type CallerToolsPolicy,
} from '../../../domain/caller-tool.js';
import type { JsonObject } from '../../../domain/harness-event.js';
import { asStrings, isJsonObject } from '../../../domain/json.js';
import { badRequest } from '../../../anthropic/anthropic.exception.js';
import { missingOr } from '../../../http/field-problems.js';
import { CALLER_TOOLS_HEADER } from '../../../http/thread-headers.js';
import type { MessageRequest } from '../message-request.js';
import { findAnthropicTool } from './anthropic-tools.js';
import { readToolChoice } from './tool-choice.js';

/** The API allows 128 characters; callers of an agent may have longer names. */
const MAX_NAME = 256;

/**
 * Reads the tools that a request offers to the agent, beside the agent's own; `undefined` for none: the policy is off, `tool_choice`
 * forbids or forces a call, or it is a side request. Tools that the API would run itself are passed over: the agent has its own.
 *
 * @param policy the deployment's policy.
 * @throws AnthropicException (400) for a malformed tool, or one that demands what an agent cannot keep.
 */
export function readCallerTools(request: MessageRequest, policy: CallerToolsPolicy): CallerTools | undefined {
  const { body, client, isSideRequest } = request;
  if (isSideRequest || !isEnabled(request, policy)) return undefined;
  const choice = readToolChoice(body);
  if (choice.type !== 'auto') return undefined;
  const declared = (body.tools ?? []).flatMap((tool, index) => readTool(tool, `tools.${index}`));
  if (new Set(declared.map(({ name }) => name)).size < declared.length) {
    throw badRequest('tools: Tool names must be unique.');
  }
  const tools = declared.filter(({ name }) => client.offersTool(name));
  return tools.length === 0 ? undefined : { tools, allowsParallelCalls: !choice.disablesParallelCalls };
}

/** Converts a tool back to the form in which a request declares it. */
export function toDeclaration({ name, description, inputSchema, isStrict, isDeferred }: CallerTool): JsonObject {
  return { name, description, input_schema: inputSchema, strict: isStrict, defer_loading: isDeferred };
}

function isEnabled({ header, client }: MessageRequest, policy: CallerToolsPolicy): boolean {
  const requested = header(CALLER_TOOLS_HEADER);
  const setting = requested === undefined ? policy : CALLER_TOOLS_POLICIES.find((choice) => choice === requested);
  switch (setting) {
    case undefined:
      throw badRequest(`${CALLER_TOOLS_HEADER}: must be one of ${CALLER_TOOLS_POLICIES.join(', ')}`);
    case 'auto':
      return client.lendsTools;
    case 'on':
      return true;
    case 'off':
      return false;
    default:
      return setting satisfies never;
  }
}

function readTool(tool: unknown, path: string): readonly CallerTool[] {
  if (!isJsonObject(tool)) throw badRequest(`${path}: Input should be a valid dictionary`);
  const type = tool['type'] ?? 'custom';
  if (typeof type !== 'string') throw badRequest(`${path}.type: Input should be a valid string`);
  const isCustom = type === 'custom';
  const known = isCustom ? { description: '', inputSchema: undefined } : findAnthropicTool(type, tool);
  if (known === undefined) return [];
  const at = isCustom ? `${path}.custom` : path;
  assertCallable(tool, at);
  return [
    {
      name: readName(tool['name'], at),
      description: [known.description, readText(tool['description'], at), toExamples(tool)]
        .filter((text) => text !== '')
        .join('\n\n'),
      inputSchema: known.inputSchema ?? readSchema(tool['input_schema'], at),
      isStrict: tool['strict'] === true,
      isDeferred: tool['defer_loading'] === true,
    },
  ];
}

function readName(name: unknown, path: string): string {
  if (typeof name !== 'string') throw badRequest(`${path}.name: ${missingOr(name, 'Input should be a valid string')}`);
  if (name.trim() === '') throw badRequest(`${path}.name: String should have at least 1 character`);
  if (name.length > MAX_NAME) throw badRequest(`${path}.name: String should have at most ${MAX_NAME} characters`);
  return name;
}

function readText(text: unknown, path: string): string {
  if (text === undefined || text === null) return '';
  if (typeof text !== 'string') throw badRequest(`${path}.description: Input should be a valid string`);
  return text;
}

function readSchema(schema: unknown, path: string): JsonObject {
  if (!isJsonObject(schema)) {
    throw badRequest(`${path}.input_schema: ${missingOr(schema, 'Input should be a valid dictionary')}`);
  }
  if (schema['type'] !== 'object') {
    throw badRequest(`${path}.input_schema.type: ${missingOr(schema['type'], "Input should be 'object'")}`);
  }
  return schema;
}

/** Agents' protocols have no examples of a tool's input, so the description has them. */
function toExamples(tool: JsonObject): string {
  const examples = tool['input_examples'];
  if (!Array.isArray(examples) || examples.length === 0) return '';
  return ['Examples of input:', ...examples.map((example) => JSON.stringify(example))].join('\n');
}

/** Code that the API runs for the model may be the only caller of a tool; an agent calls it itself or not at all. */
function assertCallable(tool: JsonObject, path: string): void {
  const callers = tool['allowed_callers'];
  if (Array.isArray(callers) && !asStrings(callers).includes('direct')) {
    throw badRequest(`${path}.allowed_callers: must include 'direct', as tools are not called from code here`);
  }
}
