import type { HeaderReader } from '../../clients/client-profile.js';
import {
  CALLER_TOOLS_POLICIES,
  type CallerTool,
  type CallerTools,
  type CallerToolsPolicy,
} from '../../domain/caller-tool.js';
import type { JsonObject } from '../../domain/harness-event.js';
import { asObject, isJsonObject } from '../../domain/json.js';
import { ServiceError } from '../../domain/service-error.js';
import { CALLER_TOOLS_HEADER } from '../../http/thread-headers.js';
import type { ForcedCall } from '../../translator/views/forced-tool.js';
import { isUsable } from '../../workers/check-schema.js';

const MAX_NAME = 256;
const NO_PARAMETERS: JsonObject = { type: 'object', properties: {} };

/** What a request says of the caller's tools. */
export interface ToolsRequest {
  readonly header: HeaderReader;
  readonly tools: readonly unknown[] | null | undefined;
  readonly toolChoice: unknown;
  readonly allowsParallelCalls: boolean;
  /** Where the API has the fields of a function: beside the `type` of its tool, or in an object of their own, `function`. */
  readonly functionsAre: 'flat' | 'nested';
  /** Whether the tools are offered to the agent under the policy `auto`. */
  readonly lendsTools: boolean;
}

/** A call that the answer has to be, and the schema of its input. */
export interface RequiredCall {
  readonly call: ForcedCall;
  readonly schema: JsonObject;
}

/**
 * Reads the tools that a request offers to the agent, beside the agent's own: those of type `function`. Others are passed over: the agent
 * has its own, and Codex declares kinds that only it knows. `undefined` for none: the policy is off, or `tool_choice` forbids or requires a
 * call.
 *
 * @param policy the deployment's policy.
 * @throws ServiceError (`bad_request`) for a malformed tool.
 */
export function readFunctionTools(request: ToolsRequest, policy: CallerToolsPolicy): CallerTools | undefined {
  if (!isEnabled(request, policy)) return undefined;
  if (readToolMode(request).kind !== 'auto') return undefined;
  const tools = readTools(request);
  return tools.length === 0 ? undefined : { tools, allowsParallelCalls: request.allowsParallelCalls };
}

/**
 * Reads the call that a request requires; `undefined` for none. The answer then follows the schema of the tool's parameters.
 *
 * Rejects with a ServiceError (`bad_request`) for a tool that the request does not have, or a schema that cannot be checked.
 */
export async function readRequiredCall(request: ToolsRequest): Promise<RequiredCall | undefined> {
  const mode = readToolMode(request);
  if (mode.kind === 'auto' || mode.kind === 'none') return undefined;
  const all = readTools(request);
  const tools = mode.kind === 'function' ? all.filter(({ name }) => name === mode.name) : all;
  const [first, ...others] = tools;
  if (first === undefined) throw refuseTool('tool_choice', 'no function of tools can be called');
  const required: RequiredCall =
    others.length === 0
      ? { call: { kind: 'tool', name: first.name }, schema: first.inputSchema }
      : { call: { kind: 'choice' }, schema: { anyOf: tools.map(toChoice) } };
  if (!(await isUsable(required.schema))) throw refuseTool('tools', 'parameters that are required cannot be checked');
  return required;
}

function toChoice({ name, inputSchema }: CallerTool): JsonObject {
  return {
    type: 'object',
    properties: { tool: { const: name }, input: inputSchema },
    required: ['tool', 'input'],
    additionalProperties: false,
  };
}

type ToolMode =
  | { readonly kind: 'auto' }
  | { readonly kind: 'none' }
  | { readonly kind: 'required' }
  | { readonly kind: 'function'; readonly name: string };

function readToolMode({ toolChoice: choice, functionsAre }: ToolsRequest): ToolMode {
  if (choice === undefined || choice === null) return { kind: 'auto' };
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { kind: choice };
  if (isJsonObject(choice) && choice['type'] === 'function') {
    const { name } = functionsAre === 'flat' ? choice : asObject(choice['function']);
    if (typeof name === 'string') return { kind: 'function', name };
  }
  const named = functionsAre === 'flat' ? '"name": …' : '"function": {"name": …}';
  throw refuseTool('tool_choice', `must be auto, none, required, or {"type": "function", ${named}}`);
}

function isEnabled({ header, lendsTools }: ToolsRequest, policy: CallerToolsPolicy): boolean {
  const requested = header(CALLER_TOOLS_HEADER);
  const setting = requested === undefined ? policy : CALLER_TOOLS_POLICIES.find((choice) => choice === requested);
  switch (setting) {
    case undefined:
      throw refuseTool(CALLER_TOOLS_HEADER, `must be one of ${CALLER_TOOLS_POLICIES.join(', ')}`);
    case 'auto':
      return lendsTools;
    case 'on':
      return true;
    case 'off':
      return false;
    default:
      return setting satisfies never;
  }
}

function readTools({ tools: declared, functionsAre }: ToolsRequest): readonly CallerTool[] {
  const tools = (declared ?? []).flatMap((tool, index) => readTool(tool, `tools[${index}]`, functionsAre));
  if (new Set(tools.map(({ name }) => name)).size < tools.length) throw refuseTool('tools', 'names must be unique');
  return tools;
}

function readTool(tool: unknown, toolPath: string, functionsAre: ToolsRequest['functionsAre']): readonly CallerTool[] {
  if (!isJsonObject(tool)) throw refuseTool(toolPath, 'must be an object');
  if (tool['type'] !== 'function') return [];
  const [fields, path] =
    functionsAre === 'flat' ? [tool, toolPath] : [asObject(tool['function']), `${toolPath}.function`];
  const { name, description, parameters, strict } = fields;
  if (typeof name !== 'string' || name.trim() === '' || name.length > MAX_NAME) {
    throw refuseTool(`${path}.name`, `must be a string of 1 to ${MAX_NAME} characters`);
  }
  const schema = parameters ?? NO_PARAMETERS;
  if (!isJsonObject(schema) || schema['type'] !== 'object') {
    throw refuseTool(`${path}.parameters`, 'must be a JSON Schema of an object');
  }
  return [
    {
      name,
      description: typeof description === 'string' ? description : '',
      inputSchema: schema,
      isStrict: strict === true,
      isDeferred: false,
    },
  ];
}

function refuseTool(field: string, problem: string): ServiceError {
  return new ServiceError('bad_request', `${field}: ${problem}`);
}
